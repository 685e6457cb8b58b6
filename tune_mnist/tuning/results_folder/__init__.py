"""Results folder of a search: stored setup, lock, signature and checks before a resume."""
