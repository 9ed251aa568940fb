"""How sensitive is a spotter on a given video: what was injected, what was found, and why not."""
