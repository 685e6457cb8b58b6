"""Synchronous HyperBand: a bracket's trials pause at a rung until all have reached it."""

from random import Random
from typing import Any, Self

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import WholeBracketsHyperBand
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class HyperBand(SearchScheduler, WholeBracketsHyperBand):
    """Ray's HyperBand, which keeps its state in Ray's trials, so a search cannot be resumed.

    Source: Li et al., "Hyperband", JMLR 2018.
    """

    accepts = frozenset({"reduction_factor"})
    resumable = False
    draws_ahead = True

    def __init__(self, max_concurrent: int, max_t: int, **options: Any) -> None:
        super().__init__(max_concurrent, max_t=max_t, **options)
        self._max_epochs = max_t

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

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a trial to a bracket, unless it is exempt."""
        if self._is_exempt(trial):
            self._trials[trial.config[NUMBER]] = trial
        else:
            super().on_trial_add(tune_controller, trial)

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Remove a trial that ended while it was running."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_complete(tune_controller, trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial that failed; Ray adds it again if it is tried again."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial that ended while it was paused or pending."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_remove(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues after this epoch.

        The last report of a failed trial has no accuracy, on which Ray's HyperBand fails.
        """
        if METRIC not in result:
            return self.CONTINUE
        if self._is_exempt(trial):
            return self.STOP if result[TIME_ATTR] >= self._max_epochs else self.CONTINUE
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the trial that gets a free worker: an exempt one first."""
        for trial in self._trials.values():
            if self._is_exempt(trial) and trial.status == Trial.PENDING:
                return trial
        chosen: Trial | None = super().choose_trial_to_run(tune_controller)
        return chosen

    def _is_exempt(self, trial: Trial) -> bool:
        return trial.config[NUMBER] in self._exempt
