"""What a session leaves behind: recorder, reader, video."""
