"""ASHA that stops: a trial ends at a rung unless it is among the best that have reached it."""

from typing import Any

import numpy as np
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE
from tune_mnist.tuning.schedulers.stopping import StoppingScheduler


class StoppingAsha(StoppingScheduler):
    """The stopping variant of ASHA, as Ray implements it.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.
    """

    accepts = frozenset({"grace_period", "reduction_factor", "brackets"})
    rungs_at_stages = True

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:
        """Return Ray's ASHA."""
        return _SeededAsha(
            seed=options.seed,
            rungs=options.rungs,
            max_t=options.max_epochs,
            grace_period=options.grace_period,
            reduction_factor=options.reduction_factor,
            brackets=options.brackets,
            **OBJECTIVE,
        )

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:
        """Return the rungs."""
        return options.rung_epochs


class _SeededAsha(AsyncHyperBandScheduler):
    """Ray's ASHA, whose brackets depend on the seed and the trial, not on global random state."""

    def __init__(self, seed: int, rungs: tuple[int, ...] | None, **options: Any) -> None:
        super().__init__(**options)
        self._seed = seed
        if rungs is not None:
            for first, bracket in enumerate(self._brackets):
                bracket._rungs = [(epoch, {}) for epoch in reversed(rungs[first:])]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Choose the trial's bracket; the probabilities are Ray's own."""
        sizes = np.array([len(bracket._rungs) for bracket in self._brackets])
        odds = np.exp(sizes - sizes.max())
        rng = np.random.default_rng([self._seed, int(trial.trial_id)])
        chosen = rng.choice(len(sizes), p=odds / odds.sum())
        self._trial_info[trial.trial_id] = self._brackets[chosen]
