"""Names of trials in Ray's dashboard."""

from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.task_names import name_tasks
from tune_mnist.tuning.trials.labels import label


class NamedTasks(Callback):
    """Callback that names Ray tasks after their trials. The dashboard can filter by name."""

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Name the next tasks of the trial's worker."""
        name_tasks(trial, label(trial.config))
