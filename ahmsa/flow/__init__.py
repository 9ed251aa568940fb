"""From two aligned faces to a flow map: TV-L1, the head's motion, strain, layout, scaling."""
