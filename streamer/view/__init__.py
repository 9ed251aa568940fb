"""What a person sees of the stream."""
