"""Running the trials of a search with Ray Tune, including failures and interruptions."""
