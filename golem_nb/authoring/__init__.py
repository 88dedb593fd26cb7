"""A worker from a cell: source text in, component bytes out. Never deploys anything itself."""
