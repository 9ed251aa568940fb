"""Motion known exactly, to hold measurements against: pairs, views of a head, movements injected into recordings."""
