"""Recorded files and databases, one process and one thread."""
