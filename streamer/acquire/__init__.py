"""Frames from a camera, file, url or folder, and faces and candidates from frames."""
