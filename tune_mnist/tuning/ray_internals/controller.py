"""Tune's controller of trials: workers that die, lost nodes, start of workers."""

from collections import Counter
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
"""Node losses of a trial that do not count against max_failures: the trial may cause them."""

NODE_DIED = "its node has died"
"""Part of Ray's message about an actor whose node was lost; the exception has no field for it."""


class SteadyController(TuneController):
    """Tune's controller, without three faults of Ray 2.60 in its treatment of workers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lost_nodes: Counter[str] = Counter()

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        """Keep a trial with its starting worker, even if another worker is idle.

        Tune gives such a trial the idle worker and ends the one that starts
        (ray-project/ray#36020, #42951). Where trials are shorter than the start of a worker, the
        workers of a node that joins would never start.
        """
        own = self._trial_to_actor.get(trial)
        has_place = own is not None and self._actor_manager.is_actor_started(own)
        if has_place and trial not in self._resetting_trials:
            return False
        reused: bool = super()._maybe_reuse_cached_actor(trial)
        return reused

    def _actor_failed(self, tracked_actor: TrackedActor, exception: Exception) -> None:
        """Give a trial another worker if its worker died while it was idle.

        Tune notices the death when it hands the worker the next trial, counts it twice, and fails
        the trial whatever max_failures is. Not reported upstream.
        """
        if self._actor_to_trial[tracked_actor] not in self._resetting_trials:
            super()._actor_failed(tracked_actor, exception)
            return
        self._actor_manager.clear_actor_task_futures(tracked_actor)
        tracked_actor.set_on_stop(None)
        tracked_actor.set_on_error(None)
        self._actor_stopped(tracked_actor)

    def _trial_task_failure(self, trial: Trial, exception: Exception) -> None:
        # Tune calls this for the task just after _actor_failed for the worker.
        if trial in self._resetting_trials and trial not in self._trial_to_actor:
            self._resetting_trials.remove(trial)
            if trial.status == Trial.PAUSED:  # by a scheduler, meanwhile
                self._unstage_trial_with_resources(trial)
            else:
                self._schedule_trial_actor(trial)
            return
        super()._trial_task_failure(trial, exception)

    def _process_trial_failure(self, trial: Trial, exception: Exception) -> None:
        """Resume a trial that lost its node, without counting it as a failure of the trial.

        Tune does so for nodes that a cloud preempts only (ray-project/ray#41285). A node that does
        not see the checkpoints and has not been probed yet is treated alike.
        """
        if lost_its_node(exception) and self._lost_nodes[trial.trial_id] < MAX_LOST_NODES:
            self._lost_nodes[trial.trial_id] += 1
            exception = RayActorError(error_msg=str(exception), preempted=True)
        super()._process_trial_failure(trial, exception)


class OneNodeController(SteadyController):
    """The same, with workers in the processes that Ray prestarts on this machine.

    Tune's workers never use those: Tune requests environment variables for them, which another
    machine may lack, and a placement group a trial, which has nothing to hold together on one
    machine. Not reported upstream.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, resource_manager_factory=FixedResourceManager)
        self._class_cache = _ActorClasses()


class _ActorClasses(_ActorClassCache):
    """Makes the actor class of a trainable, for processes that have the driver's environment."""

    def get(self, trainable_cls: type) -> Any:
        if trainable_cls not in self._cache:
            self._cache[trainable_cls] = ray.remote(trainable_cls)
        return self._cache[trainable_cls]


class SilentProgress(TrialProgressCallback):
    """Takes the place of Tune's own progress callback, which prints of every trial.

    Tune adds its own, at any verbosity, unless a callback of this class is among those given.
    Not reported upstream.
    """

    def on_trial_result(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_error(self, *given: Any, **info: Any) -> None:
        """Print nothing."""

    def on_trial_complete(self, *given: Any, **info: Any) -> None:
        """Print nothing."""


def use_steady_controller(*, one_node: bool) -> None:
    """Let Tune run its trials by a :class:`SteadyController` from now on.

    ``Tuner`` has no argument for the controller; the interface that had one was made private
    (ray-project/ray#17593).

    Args:
        one_node: Whether Ray runs on this machine only, and no other node can join.
    """
    tune.TuneController = OneNodeController if one_node else SteadyController


def survive_memory_kills() -> None:
    """Let Tune treat a worker that Ray killed for its memory as a dead worker.

    Since ray-project/ray#32107 the tasks of such a worker raise OutOfMemoryError. Tune's actor
    manager takes that for an internal error, and one greedy trial ends the whole search. Not
    reported upstream.
    """
    actor_manager.RayActorError = (RayActorError, OutOfMemoryError)


def lost_its_node(error: Exception) -> bool:
    """Return whether a trial needs another node.

    Its own is gone, cannot be reached any more, or does not see the checkpoints.
    """
    if isinstance(error, ActorUnavailableError | PlaceMissingError):
        return True
    return isinstance(error, RayActorError) and NODE_DIED in str(error)
