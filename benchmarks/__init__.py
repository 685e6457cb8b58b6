"""Measurements behind the claims: side by side with others, and of our own parts."""
