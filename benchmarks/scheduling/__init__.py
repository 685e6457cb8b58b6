"""Simulated searches over recorded learning curves: which searcher, which scheduler."""
