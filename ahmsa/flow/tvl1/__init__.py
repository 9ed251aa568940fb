"""TV-L1 optical flow: the reference in torch, the compiled kernel of a CPU core, and its pyramid."""
