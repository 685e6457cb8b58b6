"""Tune's trial controller, changed in its handling of dead workers and lost nodes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.air.execution import FixedResourceManager
from ray.air.execution._internal import TrackedActor, actor_manager
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError
from ray.tune import tune
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback

from tune_mnist.tuning.storage.checkpoint_store import PlaceMissingError

MAX_LOST_NODES = 10
"""Number of node losses of a trial that do not count against max_failures.

Further losses count, because the trial itself may cause them.
"""

NODE_DIED = "its node has died"
"""Text by which Ray's message about a lost node is recognized.

The exception has no field that says so.
"""


class SteadyController(TuneController):
    """Tune's controller with workarounds for three faults in Ray 2.60's handling of workers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lost_nodes: Counter[str] = Counter()

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        """Keep a trial on the worker that is starting for it, even if another worker becomes idle.

        Tune would move the trial to the idle worker and end the worker that is starting
        (ray-project/ray#36020, #42951). If trials are shorter than the start of a worker, no
        worker of a node that joins the cluster would ever finish its start.
        """
        own = self._trial_to_actor.get(trial)
        is_placed = own is not None and self._actor_manager.is_actor_started(own)
        if is_placed and trial not in self._resetting_trials:
            return False
        reused: bool = super()._maybe_reuse_cached_actor(trial)
        return reused

    def _actor_failed(self, tracked_actor: TrackedActor, exception: Exception) -> None:
        """Give a trial another worker if its worker had died before the trial was assigned to it.

        Tune notices the death of an idle worker only when it assigns the next trial to the worker.
        It then counts the death twice and fails the trial regardless of max_failures. No upstream
        issue has been filed.
        """
        if self._actor_to_trial[tracked_actor] not in self._resetting_trials:
            super()._actor_failed(tracked_actor, exception)
            return
        self._actor_manager.clear_actor_task_futures(tracked_actor)
        tracked_actor.set_on_stop(None)
        tracked_actor.set_on_error(None)
        self._actor_stopped(tracked_actor)

    def _trial_task_failure(self, trial: Trial, exception: Exception) -> None:
        # Tune calls this method for the task right after _actor_failed for the worker.
        if trial in self._resetting_trials and trial not in self._trial_to_actor:
            self._resetting_trials.remove(trial)
            if trial.status == Trial.PAUSED:  # a scheduler has paused the trial in the meantime
                self._unstage_trial_with_resources(trial)
            else:
                self._schedule_trial_actor(trial)
            return
        super()._trial_task_failure(trial, exception)

    def _process_trial_failure(self, trial: Trial, exception: Exception) -> None:
        """Resume a trial whose node was lost, without counting this as a failure of the trial.

        Tune makes this exception only for preempted cloud nodes (ray-project/ray#41285). A node
        that cannot access the checkpoints, but received a trial before it was checked, counts as
        lost, too.
        """
        if lost_its_node(exception) and self._lost_nodes[trial.trial_id] < MAX_LOST_NODES:
            self._lost_nodes[trial.trial_id] += 1
            exception = RayActorError(error_msg=str(exception), preempted=True)
        super()._process_trial_failure(trial, exception)


class OneNodeController(SteadyController):
    """Controller for a single machine, which lets trials use the processes that Ray prestarts.

    Ray cannot use prestarted processes for Tune's workers, because Tune requests environment
    variables and a placement group for each trial. On a single machine, neither is needed. No
    upstream issue has been filed.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, resource_manager_factory=FixedResourceManager)
        self._class_cache = _ActorClasses()


class _ActorClasses(_ActorClassCache):
    """Cache of actor classes that request no environment variables for their processes."""

    def get(self, trainable_cls: type) -> Any:
        if trainable_cls not in self._cache:
            self._cache[trainable_cls] = ray.remote(trainable_cls)
        return self._cache[trainable_cls]


class SilentProgress(TrialProgressCallback):
    """Progress callback that prints nothing.

    Tune adds a callback that prints every trial at any verbosity, unless the user's callbacks
    include a ``TrialProgressCallback``. No upstream issue has been filed.
    """

    def on_trial_result(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_error(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_complete(self, *given: Any, **info: Any) -> None:
        """Print nothing."""


@contextmanager
def steady_controller(*, one_node: bool) -> Iterator[None]:
    """Context manager that makes Tune use a :class:`SteadyController`.

    ``Tuner`` has no argument for the controller, because Ray made the function with this argument
    private (ray-project/ray#17593).

    Args:
        one_node: Whether Ray runs only on this machine, so that no other node can join.
    """
    before = tune.TuneController
    tune.TuneController = OneNodeController if one_node else SteadyController
    try:
        yield
    finally:
        tune.TuneController = before


@contextmanager
def memory_kills_survived() -> Iterator[None]:
    """Context manager that makes Tune treat a worker killed for its memory use as a dead worker.

    When Ray kills a worker because memory is short, the tasks of the worker raise OutOfMemoryError
    (since ray-project/ray#32107). Tune's actor manager does not expect this type of error and ends
    the whole search. No upstream issue has been filed.
    """
    before = actor_manager.RayActorError
    actor_manager.RayActorError = (RayActorError, OutOfMemoryError)
    try:
        yield
    finally:
        actor_manager.RayActorError = before


@contextmanager
def no_callbacks_counted() -> Iterator[None]:
    """Context manager that prevents Tune from counting callbacks for Ray's usage statistics.

    For the count, Tune imports every tracker that is installed, even if the statistics are
    disabled. MLflow alone takes a second of CPU time before the first trial. No upstream issue has
    been filed.
    """
    before = tune.air_usage.tag_callbacks
    tune.air_usage.tag_callbacks = lambda _: False
    try:
        yield
    finally:
        tune.air_usage.tag_callbacks = before


def lost_its_node(error: Exception) -> bool:
    """Return whether an error means that the node of a trial cannot be used any longer.

    This is the case if the node died, cannot be reached or cannot access the checkpoints. The
    trial must then be moved to another node.

    Args:
        error: Exception raised by the trial's worker or task.
    """
    if isinstance(error, ActorUnavailableError | PlaceMissingError):
        return True
    return isinstance(error, RayActorError) and NODE_DIED in str(error)
