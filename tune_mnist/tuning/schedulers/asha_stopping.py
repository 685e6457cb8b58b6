"""Stopping ASHA: ends a trial at a rung unless it is among the best trials there."""

from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.ray_internals.schedulers import SeededAsha
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
        return SeededAsha(
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
