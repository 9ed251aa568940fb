"""Where the work is done: this process, all cores, a cluster."""
