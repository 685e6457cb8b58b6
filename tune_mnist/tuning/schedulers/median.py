"""Median stopping rule, which stops trials that are worse than most others were on average."""

from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.ray_internals.schedulers import ContinuingMedian
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE
from tune_mnist.tuning.schedulers.stopping import StoppingScheduler


class MedianStopping(StoppingScheduler):
    """Median stopping rule, as implemented in Ray.

    A trial is stopped if its best validation accuracy so far is below the median of the other
    trials' mean accuracies up to the same epoch.

    Source: Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017,
    section 3.2.2.
    """

    accepts = frozenset({"grace_period"})

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:
        """Create Ray's median stopping rule, without its pauses."""
        return ContinuingMedian(grace_period=options.grace_period, **OBJECTIVE)
