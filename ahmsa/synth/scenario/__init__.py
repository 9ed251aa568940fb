"""What happens in a clip: drawn from a seed or written by hand, and what it makes of every instant."""
