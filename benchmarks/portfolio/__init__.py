"""Construction of the shipped portfolios: recorded curves, and selection of configurations."""
