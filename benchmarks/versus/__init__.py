"""The same search by this project, a plain Ray Tune script, Optuna alone and Syne Tune."""
