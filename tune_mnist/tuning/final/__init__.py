"""The final evaluation: the chosen configurations, trained once more and tested."""
