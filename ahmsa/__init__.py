"""WHAT is it? Nouns, face alignment, 3D flow, the network, its checkpoint, the recogniser."""
