"""From an instant to a picture: the portrait, people made of it, eyes, lips, heads, and what covers the skin."""
