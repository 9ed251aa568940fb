"""The live program: its processes, the hub, the book of open events."""
