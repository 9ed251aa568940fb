"""One file per database, each naming its paper."""
