"""Every speed and accuracy claim of the documentation, as a command."""
