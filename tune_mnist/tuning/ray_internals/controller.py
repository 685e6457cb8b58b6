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
    """Tune's controller with workarounds for three faults of Ray 2.60 in handling workers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lost_nodes: Counter[str] = Counter()

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        """Keep a trial on its starting worker, even if another worker is idle.

        Tune would move the trial to the idle worker and end the starting one
        (ray-project/ray#36020, #42951). If trials are shorter than the start of a worker, the
        workers of a node that joins would never start.
        """
        own = self._trial_to_actor.get(trial)
        is_placed = own is not None and self._actor_manager.is_actor_started(own)
        if is_placed and trial not in self._resetting_trials:
            return False
        reused: bool = super()._maybe_reuse_cached_actor(trial)
        return reused

    def _actor_failed(self, tracked_actor: TrackedActor, exception: Exception) -> None:
        """Give a trial another worker if its worker died while idle.

        Tune notices the death when it assigns the next trial to the worker, counts it twice, and
        fails the trial regardless of max_failures. No upstream issue has been filed.
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
        """Resume a trial that lost its node, without counting a failure of the trial.

        Tune does so only for preempted cloud nodes (ray-project/ray#41285). A node that cannot
        access the checkpoints, and got the trial before it was probed, is treated as lost, too.
        """
        if lost_its_node(exception) and self._lost_nodes[trial.trial_id] < MAX_LOST_NODES:
            self._lost_nodes[trial.trial_id] += 1
            exception = RayActorError(error_msg=str(exception), preempted=True)
        super()._process_trial_failure(trial, exception)


class OneNodeController(SteadyController):
    """Controller for a single machine, whose workers use the processes that Ray prestarts.

    Tune's workers cannot use prestarted processes, because Tune requests environment variables and
    a placement group for each trial. On a single machine, neither is needed. No
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

    Unless the user's callbacks include a ``TrialProgressCallback``, Tune adds one that prints
    every trial at any verbosity. No upstream issue has been filed.
    """

    def on_trial_result(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_error(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_complete(self, *given: Any, **info: Any) -> None:
        """Print nothing."""


@contextmanager
def steady_controller(*, one_node: bool) -> Iterator[None]:
    """Make Tune use a :class:`SteadyController` within the context.

    ``Tuner`` has no argument for the controller, since Ray made the interface with this argument
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
    """Make Tune treat a worker that Ray killed for its memory use as a dead worker.

    Since ray-project/ray#32107, tasks of a killed worker raise OutOfMemoryError. Tune's actor
    manager treats this as an internal error and ends the whole search. No upstream issue
    has been filed.
    """
    before = actor_manager.RayActorError
    actor_manager.RayActorError = (RayActorError, OutOfMemoryError)
    try:
        yield
    finally:
        actor_manager.RayActorError = before


@contextmanager
def no_callbacks_counted() -> Iterator[None]:
    """Prevent Tune from counting the callbacks for Ray's usage statistics.

    For the count, Tune imports each tracker that is installed: MLflow costs a second of CPU time
    before the first trial, even if the statistics are disabled. Not reported upstream.
    """
    before = tune.air_usage.tag_callbacks
    tune.air_usage.tag_callbacks = lambda _: False
    try:
        yield
    finally:
        tune.air_usage.tag_callbacks = before


def lost_its_node(error: Exception) -> bool:
    """Return whether a trial must be moved to another node after an error.

    This is the case if its node died, cannot be reached or cannot access the checkpoints.

    Args:
        error: Exception raised by the trial's worker or task.
    """
    if isinstance(error, ActorUnavailableError | PlaceMissingError):
        return True
    return isinstance(error, RayActorError) and NODE_DIED in str(error)
