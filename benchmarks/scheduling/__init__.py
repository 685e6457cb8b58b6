"""Simulated searches over recorded learning curves, to compare searchers and schedulers."""
