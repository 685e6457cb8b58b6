"""Which configuration comes next: Optuna's samplers and the searcher."""
