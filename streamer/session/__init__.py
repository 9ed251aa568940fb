"""What a recorded session is: written, read, and turned into tables, files of other programs and a page."""
