"""Comparison of the same search with this project, plain Ray Tune, Optuna and Syne Tune."""
