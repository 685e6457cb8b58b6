"""Results folder of a search: stored set-up, lock, signature and checks before a resume."""
