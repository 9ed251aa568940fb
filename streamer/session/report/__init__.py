"""A session as a page to look at."""
