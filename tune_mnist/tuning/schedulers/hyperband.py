"""HyperBand: brackets of trials that wait for each other, and go on by halves."""

from random import Random
from typing import Any, Self

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import WholeBracketsHyperBand
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC


class HyperBand(SearchScheduler, WholeBracketsHyperBand):
    """Ray's HyperBand, which keeps its state in Ray's trials and cannot be restored.

    Source: Li et al., "Hyperband", JMLR 2018.
    """

    accepts = frozenset({"reduction_factor"})
    resumable = False
    draws_ahead = True

    @classmethod
    def from_options(cls, options: SchedulerOptions) -> Self:
        """Build the scheduler, which has seen no trial yet."""
        return cls(
            options.max_concurrent,
            max_t=options.max_epochs,
            reduction_factor=options.reduction_factor,
            **OBJECTIVE,
        )

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Return the epochs that stopping ASHA would train, which takes about as long."""
        return StoppingAsha.simulate(options, num_samples, rng)

    def wants_new_trial(self) -> bool:
        """Return whether there is a free worker, or a bracket that is not full yet."""
        return self.has_room() or super().wants_new_trial()

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues after this epoch.

        The report of a trial that cannot continue has no accuracy, without which Ray's own fails.
        """
        if METRIC not in result:
            return self.CONTINUE
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision
