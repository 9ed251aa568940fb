"""`ahmsa-spot selftest`: known movements in the user's own video, through the very pipeline."""
