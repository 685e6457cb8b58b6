"""Final evaluation: the best configurations, trained from scratch and tested."""
