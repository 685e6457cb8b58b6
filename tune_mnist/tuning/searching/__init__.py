"""Searchers: Optuna's samplers behind Ray Tune's searcher interface."""
