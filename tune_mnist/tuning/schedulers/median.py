"""Median rule: ends a trial whose best value is below the median of other trials' means."""

from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.ray_internals.schedulers import ContinuingMedian
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE
from tune_mnist.tuning.schedulers.stopping import StoppingScheduler


class MedianStopping(StoppingScheduler):
    """The median rule, as Ray implements it.

    Source: Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017,
    section 3.2.2.
    """

    accepts = frozenset({"grace_period"})

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:
        """Return Ray's median rule."""
        return ContinuingMedian(grace_period=options.grace_period, **OBJECTIVE)
