"""Options of a search: declaration and validation."""
