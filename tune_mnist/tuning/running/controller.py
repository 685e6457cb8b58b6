"""Ray Tune's controller, in a form that loses no trial with a worker or a node."""

from collections import Counter
from typing import Any

import ray
from ray.air.execution import FixedResourceManager
from ray.air.execution._internal import TrackedActor
from ray.exceptions import ActorUnavailableError, RayActorError
from ray.tune import tune
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial

from tune_mnist.tuning.storage.checkpoint_store import PlaceMissingError

MOST_LOST_NODES = 10
"""So often a trial may lose its node for nothing: it may be what brings nodes down."""


class SteadyController(TuneController):
    """Ray's, but for three things that Ray 2.60 does to the workers of trials.

    A worker that is starting may lose its trial to one that has just become idle, and is ended.
    Where trials are shorter than the start of a worker, the workers of a node that has joined
    would never come to be. Here a worker that has its place keeps its trial, which waits for it
    for the seconds that a start takes, though another one be idle.

    A worker may die while it is idle; Ray notices when it hands the worker the next trial, counts
    that twice, and fails the trial however often it may be tried. Here the trial gets another
    worker: it has not begun. And that a node is lost, or does not see the checkpoints and has not
    been asked yet, is not the fault of the trial that it ran: it goes on from its checkpoint
    without one of its tries being spent.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lost_nodes: Counter[str] = Counter()

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        own = self._trial_to_actor.get(trial)
        has_place = own is not None and self._actor_manager.is_actor_started(own)
        if has_place and trial not in self._resetting_trials:
            return False
        reused: bool = super()._maybe_reuse_cached_actor(trial)
        return reused

    def _actor_failed(self, tracked_actor: TrackedActor, exception: Exception) -> None:
        if self._actor_to_trial[tracked_actor] not in self._resetting_trials:
            super()._actor_failed(tracked_actor, exception)
            return
        self._actor_manager.clear_actor_task_futures(tracked_actor)
        tracked_actor.set_on_stop(None)
        tracked_actor.set_on_error(None)
        self._actor_stopped(tracked_actor)

    def _trial_task_failure(self, trial: Trial, exception: Exception) -> None:
        # Ray calls this for the task just after it has called the above for the worker.
        if trial in self._resetting_trials and trial not in self._trial_to_actor:
            self._resetting_trials.remove(trial)
            if trial.status == Trial.PAUSED:  # a scheduler has it wait meanwhile
                self._unstage_trial_with_resources(trial)
            else:
                self._schedule_trial_actor(trial)
            return
        super()._trial_task_failure(trial, exception)

    def _process_trial_failure(self, trial: Trial, exception: Exception) -> None:
        if lost_its_node(exception) and self._lost_nodes[trial.trial_id] < MOST_LOST_NODES:
            self._lost_nodes[trial.trial_id] += 1
            # Ray does not count what a cloud takes away; this is no different.
            exception = RayActorError(error_msg=str(exception), preempted=True)
        super()._process_trial_failure(trial, exception)


class OneNodeController(SteadyController):
    """The same, with workers in the processes that Ray keeps ready on this machine.

    Tune's own never are: it asks for environment variables, which another machine may lack, and
    for a placement group a trial, which has nothing to hold together here.
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


def use_steady_controller(*, one_node: bool) -> None:
    """Let Tune run its trials by it from here on; Ray offers no other way to choose one.

    Args:
        one_node: whether Ray runs on this machine only, and no other node can join.
    """
    tune.TuneController = OneNodeController if one_node else SteadyController


def lost_its_node(error: Exception) -> bool:
    """Tell whether a trial needs another node.

    Its own is gone, cannot be reached any more, or does not see the checkpoints.
    """
    if isinstance(error, ActorUnavailableError | PlaceMissingError):
        return True
    return isinstance(error, RayActorError) and "its node has died" in str(error)
