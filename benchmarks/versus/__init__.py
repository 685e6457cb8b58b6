"""The same search by this project, by a plain Ray Tune script, by Optuna alone, by Syne Tune."""
