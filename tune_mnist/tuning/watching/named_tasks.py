"""Trials by name in Ray's dashboard."""

from contextlib import suppress
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.trials.labels import label


class NamedTasks(Callback):
    """Gives each epoch's task the name of its trial, which the dashboard shows and filters by.

    Neither name nor repr of an actor can change after its creation, and one worker runs many
    trials. Ray's option for it is ``actor.train.options(name=...)``, but it is Tune that calls
    ``actor.train.remote()``: so the actor's handle is told to look up a ``train`` with that option
    set. Where the handle lies and how it looks methods up is not public: if Ray changes it, the
    tasks lose their names, and nothing else happens.
    """

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Name the tasks that the trial's worker gets from now on."""
        with suppress(Exception):
            actor = trial.temporary_state.ray_actor
            methods = actor._method_shells
            method = getattr(methods["train"], "method", methods["train"])
            named = _Named(method, label(trial.config))
            if callable(named.bind(actor).remote):
                methods["train"] = named


class _Named:
    """What the handle binds itself to: it must not hold the handle, which keeps the actor alive.

    Args:
        method: what Ray had there.
        name: of the tasks.
    """

    def __init__(self, method: Any, name: str) -> None:
        self.method = method
        self._name = name

    def bind(self, actor: Any) -> Any:
        """Return the actor's method with the name as an option."""
        return self.method.bind(actor).options(name=self._name)
