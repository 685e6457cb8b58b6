"""Synchronous HyperBand, in which trials pause at a rung until their whole bracket reaches it."""

from random import Random
from typing import Any

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import WholeBracketsHyperBand
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import OBJECTIVE, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class HyperBand(SearchScheduler, WholeBracketsHyperBand):
    """Synchronous HyperBand, as implemented in Ray.

    All trials of a bracket pause at a rung. When the last of them has reached the rung, the best
    1/reduction_factor continue and the others end. A search with this scheduler cannot be resumed,
    because Ray's implementation keeps its state in Ray's trial objects.

    Source: Li et al., "Hyperband", JMLR 2018.
    """

    accepts = frozenset({"reduction_factor"})
    resumable = False
    draws_ahead = True

    def __init__(self, options: SchedulerOptions) -> None:
        super().__init__(
            options,
            max_t=options.max_epochs,
            reduction_factor=options.reduction_factor,
            **OBJECTIVE,
        )

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Return the epochs that stopping ASHA trains, which are about as many as HyperBand's."""
        return StoppingAsha.simulate(options, num_samples, rng)

    def wants_new_trial(self) -> bool:
        """Return whether a bracket has room for another trial or a worker is free."""
        return self.has_room() or super().wants_new_trial()

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a trial to a bracket, unless it is exempt from early stopping."""
        if self._is_exempt(trial):
            self._trials[trial.config[NUMBER]] = trial
        else:
            super().on_trial_add(tune_controller, trial)

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Remove a trial from its bracket. Ray calls this when a running trial has ended."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_complete(tune_controller, trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a failed trial from its bracket. Ray adds it again if the trial is retried."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial from its bracket. Ray calls this when a paused or pending trial ended."""
        if self._is_exempt(trial):
            self._end(trial.config[NUMBER])
        else:
            super().on_trial_remove(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues, pauses or ends after an epoch.

        The last report of a failed trial is skipped. It contains no accuracy and would raise an
        exception in Ray's HyperBand.
        """
        if METRIC not in result:
            return self.CONTINUE
        if self._is_exempt(trial):
            over = result[TIME_ATTR] >= self._options.max_epochs
            return self.STOP if over else self.CONTINUE
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the trial that gets a free worker, exempt trials first."""
        for trial in self._trials.values():
            if self._is_exempt(trial) and trial.status == Trial.PENDING:
                return trial
        chosen: Trial | None = super().choose_trial_to_run(tune_controller)
        return chosen

    def _is_exempt(self, trial: Trial) -> bool:
        return trial.config[NUMBER] in self._exempt
