"""Stopping ASHA, which stops a trial at a rung unless it is among the best there so far."""

from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.ray_internals.schedulers import SeededAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE
from tune_mnist.tuning.schedulers.stopping import StoppingScheduler


class StoppingAsha(StoppingScheduler):
    """Stopping variant of the asynchronous successive halving algorithm (ASHA).

    This class wraps Ray's implementation. When a trial reaches a rung, it is stopped unless it is
    among the best 1/reduction_factor of the trials that have reached the rung so far.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.
    """

    accepts = frozenset({"grace_period", "reduction_factor", "brackets"})
    rungs_at_stages = True

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:
        """Return Ray's ASHA scheduler."""
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
        """Return the epochs of the rungs."""
        return options.rung_epochs
