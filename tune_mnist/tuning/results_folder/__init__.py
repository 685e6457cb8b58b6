"""The results folder of a search: its set-up, its lock, its origin, and resuming it."""
