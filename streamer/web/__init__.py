"""The page in a browser: a subscriber of the stream, and the receiver of the preview pictures."""
