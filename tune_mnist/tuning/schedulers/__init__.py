"""Which trial goes on: ASHA that promotes or stops, and the others."""
