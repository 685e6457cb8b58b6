"""Names of actor tasks in Ray's dashboard."""

from contextlib import suppress
from typing import Any

from ray.tune.experiment import Trial


def name_tasks(trial: Trial, name: str) -> None:
    """Name the next tasks of a trial's worker in the dashboard.

    The name of an actor cannot change, but a worker runs many trials, so Tune's actors do not show
    their trial in the dashboard (ray-project/ray#32903). Ray can name a task by
    ``actor.train.options(name=...)``, but Tune calls ``actor.train.remote()``. This function
    replaces ``train`` of the actor's handle by a method with this option. If Ray changes the
    private attribute that holds the methods, tasks keep their default names.

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
    """Method of an actor with a task name.

    Holds no reference to the actor's handle, which would keep the actor alive.

    Args:
        method: Ray's method.
        name: Name of the tasks.
    """

    def __init__(self, method: Any, name: str) -> None:
        self.method = method
        self._name = name

    def bind(self, actor: Any) -> Any:
        """Return the method of an actor, with the task name as an option."""
        return self.method.bind(actor).options(name=self._name)
