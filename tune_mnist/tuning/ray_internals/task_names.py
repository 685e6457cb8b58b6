"""Names of actor tasks in Ray's dashboard."""

from contextlib import suppress
from typing import Any

from ray.tune.experiment import Trial


def name_tasks(trial: Trial, name: str) -> None:
    """Set the name that the dashboard shows for the next tasks of a trial's worker.

    A worker runs many trials, but the name of an actor cannot change, so the dashboard does not
    show which trial an actor runs (ray-project/ray#32903). Ray can name a single task by
    ``actor.train.options(name=...)``, but Tune calls ``actor.train.remote()``. This function
    replaces ``train`` in the actor's handle by a method with this option. If Ray changes the
    private attribute that contains the methods, tasks keep their default names.

    Args:
        trial: Trial that has been assigned to a worker.
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
    """Method of a Ray actor whose tasks have a given name.

    It holds no reference to the handle of the actor, because this would keep the actor alive.

    Args:
        method: Actor method of Ray.
        name: Name of the tasks.
    """

    def __init__(self, method: Any, name: str) -> None:
        self.method = method
        self._name = name

    def bind(self, actor: Any) -> Any:
        """Return the method bound to an actor, with the task name as an option."""
        return self.method.bind(actor).options(name=self._name)
