"""Trials by name in Ray's dashboard."""

from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.task_names import name_tasks
from tune_mnist.tuning.trials.labels import label


class NamedTasks(Callback):
    """Gives each epoch's task the name of its trial, which the dashboard shows and filters by."""

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Name the tasks that the trial's worker receives from now on."""
        name_tasks(trial, label(trial.config))
