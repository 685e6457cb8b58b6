"""Options of a search: fields, checks, combinations."""
