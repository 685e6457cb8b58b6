"""Searches: everything that knows of Ray and Optuna."""
