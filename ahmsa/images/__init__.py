"""Images in files and folders of frames."""
