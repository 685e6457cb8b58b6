"""Placement of trials on workers, and the expected duration of a search."""
