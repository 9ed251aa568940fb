"""Live: sources, processes, sockets, terminal."""
