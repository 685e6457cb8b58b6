"""Names of actor tasks in Ray's dashboard."""

from contextlib import suppress
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.trials.labels import label


class NamedTasks(Callback):
    """Callback that names Ray tasks after their trials. The dashboard can filter by name.

    A worker runs many trials, but the name of an actor cannot change, so the dashboard does not
    show which trial an actor runs (ray-project/ray#32903). Ray can name a single task by
    ``actor.train.options(name=...)``, but Tune calls ``actor.train.remote()``. This callback
    replaces ``train`` in the actor's handle by a method with this option. If Ray changes the
    private attribute that contains the methods, tasks keep their default names.
    """

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Name the next tasks of the trial's worker."""
        name = label(trial.config)
        with suppress(Exception):
            actor = trial.temporary_state.ray_actor
            methods = actor._method_shells
            method = getattr(methods["train"], "method", methods["train"])
            named = _NamedMethod(method, name)
            if callable(named.bind(actor).remote):
                methods["train"] = named


class _NamedMethod:
    """Method of a Ray actor whose tasks have a given name.

    It holds no reference to the handle of the actor, because this would keep the actor alive.
    """

    def __init__(self, method: Any, name: str) -> None:
        self.method = method
        self._name = name

    def bind(self, actor: Any) -> Any:
        """Return the method bound to an actor, with the task name as an option."""
        return self.method.bind(actor).options(name=self._name)
