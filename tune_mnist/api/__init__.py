"""The Python API: searches, training runs and their results. The commands call it."""
