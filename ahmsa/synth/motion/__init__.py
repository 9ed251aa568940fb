"""How skin moves: the displacement of each action unit, and its course in time."""
