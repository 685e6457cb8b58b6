"""Synchronous HyperBand: a bracket's trials pause at a rung until all have reached it."""

from random import Random
from typing import Any, Self

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import WholeBracketsHyperBand
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC


class HyperBand(SearchScheduler, WholeBracketsHyperBand):
    """Ray's HyperBand, which keeps its state in Ray's trials, so a search cannot be resumed.

    Source: Li et al., "Hyperband", JMLR 2018.
    """

    accepts = frozenset({"reduction_factor"})
    resumable = False
    draws_ahead = True

    @classmethod
    def from_options(cls, options: SchedulerOptions) -> Self:
        """Build the scheduler without any trials."""
        return cls(
            options.max_concurrent,
            max_t=options.max_epochs,
            reduction_factor=options.reduction_factor,
            **OBJECTIVE,
        )

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Return the epochs of stopping ASHA, whose duration is about the same."""
        return StoppingAsha.simulate(options, num_samples, rng)

    def wants_new_trial(self) -> bool:
        """Return whether a worker is free or a bracket is not full yet."""
        return self.has_room() or super().wants_new_trial()

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues after this epoch.

        The last report of a failed trial has no accuracy, on which Ray's HyperBand fails.
        """
        if METRIC not in result:
            return self.CONTINUE
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision
