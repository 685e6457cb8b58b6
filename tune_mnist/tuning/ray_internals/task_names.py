"""Names of actor tasks in Ray's dashboard."""

from contextlib import suppress
from typing import Any

from ray.tune.experiment import Trial


def name_tasks(trial: Trial, name: str) -> None:
    """Give the tasks that a trial's worker receives from now on a name, for the dashboard.

    Neither name nor repr of an actor can change after its creation, and one worker runs many
    trials; Tune's actors have fixed names in the dashboard (ray-project/ray#32903). Ray's option
    for a task is ``actor.train.options(name=...)``, but Tune calls ``actor.train.remote()``. So
    the actor's handle is given a ``train`` with that option set. If Ray changes where the handle
    keeps its methods, the tasks lose their names, and nothing else happens.

    Args:
        trial: Trial with a worker.
        name: Name of the tasks.
    """
    with suppress(Exception):
        actor = trial.temporary_state.ray_actor
        methods = actor._method_shells
        method = getattr(methods["train"], "method", methods["train"])
        named = _NamedMethod(method, name)
        if callable(named.bind(actor).remote):
            methods["train"] = named


class _NamedMethod:
    """Method of an actor; the handle binds itself to it, so it must not keep the handle alive.

    Args:
        method: Ray's own method.
        name: Name of the tasks.
    """

    def __init__(self, method: Any, name: str) -> None:
        self.method = method
        self._name = name

    def bind(self, actor: Any) -> Any:
        """Return the actor's method with the name as an option."""
        return self.method.bind(actor).options(name=self._name)
