"""Python API for searches, training runs and their results, also used by the commands."""
