"""Early stopping: which trials are worth another epoch."""

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler

METRIC = "val_accuracy"
MODE = "max"
TIME_ATTR = "training_iteration"


class Asha(AsyncHyperBandScheduler):
    """Ray's ASHA, remembering which trials it stopped short of their last epoch.

    Ray tells nobody else whether a trial was stopped or had finished.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020
    (the stopping variant).

    Attributes:
        pruned: ids of the trials that it stopped early.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pruned: set[str] = set()

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial goes on after this epoch."""
        decision: str = super().on_trial_result(tune_controller, trial, result)
        if decision == self.STOP and result[self._time_attr] < self._max_t:
            self.pruned.add(trial.trial_id)
        return decision


def create_asha(max_epochs: int, grace_period: int = 1, reduction_factor: int = 3) -> Asha:
    """Build ASHA with rungs at grace_period * reduction_factor^k epochs."""
    return Asha(
        time_attr=TIME_ATTR,
        metric=METRIC,
        mode=MODE,
        max_t=max_epochs,
        grace_period=min(grace_period, max_epochs),
        reduction_factor=reduction_factor,
    )
