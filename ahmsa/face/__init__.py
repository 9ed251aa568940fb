"""A face in a picture, and the same face brought to one geometry."""
