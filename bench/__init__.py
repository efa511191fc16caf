"""Our systems, the peers and the raw clients side by side, on servers of the bench's own (``make bench``)."""
