"""Ray Tune's controller with simulated workers, without processes or network.

Only the workers, the training and the time are simulated. Searcher, scheduler, study, callbacks,
controller, trials and the actor manager are those of a real search. A task is executed when it is
submitted, because a real worker may be ahead of the reports that the controller has received.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ray.air.execution import ResourceManager
from ray.air.execution._internal import RayActorManager
from ray.air.execution._internal.event_manager import RayEventManager
from ray.train._internal.session import _TrainingResult
from ray.train._internal.storage import StorageContext
from ray.tune.experiment import Experiment

from tune_mnist.tuning.ray_internals.controller import SteadyController

START_SECONDS = 2.0
STEPS_WITHOUT_EVENT = 50
"""Number of steps without an event after which a search is considered to hang."""


class Future:
    """Result of a task, available at a simulated time."""

    def __init__(self, ready_at: float, outcome: Any) -> None:
        self.ready_at = ready_at
        self.outcome = outcome


class Clock:
    """Simulated time in seconds."""

    now = 0.0


class SimulatedWorker:
    """Worker that runs one trial at a time.

    Args:
        clock: Simulated clock.
        begin: Function that starts or resumes a trial, given its configuration.
        config: Configuration of the first trial.
    """

    def __init__(self, clock: Clock, begin: Callable[[dict[str, Any]], Any], config: Any) -> None:
        self._clock, self._begin = clock, begin
        self._config = config
        self._trial: Any = None

    def __getattr__(self, name: str) -> Any:
        if name == "get_auto_filled_metrics":  # read without waiting, if there is no report
            return SimpleNamespace(remote=dict)
        tasks = {
            "__ray_ready__": self._start,
            "train": self._train,
            "reset": self._reset,
            "save": lambda: (0.0, _TrainingResult(checkpoint=None, metrics={})),
            "stop": lambda: (0.0, None),
            "__ray_terminate__": lambda: (0.0, None),
        }
        if name not in tasks:
            raise AttributeError(name)
        return _Task(self._clock, tasks[name])

    def _start(self) -> tuple[float, Any]:
        return START_SECONDS, None

    def _reset(self, config: dict[str, Any], storage: Any) -> tuple[float, bool]:
        self._config, self._trial = config, None
        return 0.0, True

    def _train(self) -> tuple[float, Any]:
        if self._trial is None:
            self._trial = self._begin(self._config)
        return self._trial.report_next()


class _Task:
    def __init__(self, clock: Clock, carry_out: Callable[..., tuple[float, Any]]) -> None:
        self._clock, self._carry_out = clock, carry_out

    def remote(self, *args: Any, **kwargs: Any) -> Future:
        seconds, outcome = self._carry_out(*args, **kwargs)
        return Future(self._clock.now + seconds, outcome)


class _Places(ResourceManager):
    """Manager of a fixed number of places, each for one worker."""

    def __init__(self, places: int, worker: type) -> None:
        self._free = places
        self._worker = worker

    def request_resources(self, resource_request: Any) -> None:
        pass

    def cancel_resource_request(self, resource_request: Any) -> None:
        pass

    def has_resources_ready(self, resource_request: Any) -> bool:
        return self._free > 0

    def acquire_resources(self, resource_request: Any) -> "_Places":
        self._free -= 1
        return self

    def annotate_remote_entities(self, entities: list[Any]) -> list[Any]:
        return [self._worker]

    def free_resources(self, acquired_resource: Any) -> None:
        self._free += 1

    def clear(self) -> None:
        pass


class _Events(RayEventManager):
    def resolve_future(self, future: Any) -> None:
        on_result, on_error = self._tracked_futures.pop(future)
        if isinstance(future.outcome, Exception):
            on_error(future.outcome)
        elif on_result is not None:
            on_result(future.outcome)


class SimulatedWorkers(RayActorManager):
    """Ray's actor manager with simulated workers.

    Args:
        places: Maximum number of workers.
        begin: Function that starts or resumes a trial, given its configuration.
    """

    def __init__(self, places: int, begin: Callable[[dict[str, Any]], Any]) -> None:
        clock = Clock()

        class Worker:
            @staticmethod
            def remote(config: dict[str, Any], **_: Any) -> SimulatedWorker:
                return SimulatedWorker(clock, begin, config)

        super().__init__(resource_manager=_Places(places, Worker))
        self._clock = clock
        self._actor_state_events, self._actor_task_events = _Events(), _Events()
        self._steps_without_event = 0

    def next(self, timeout: Any = None) -> bool:
        """Process the next event in simulated time."""
        self._try_start_actors()
        managers = (self._actor_state_events, self._actor_task_events)
        futures = [(each, future) for each in managers for future in each._tracked_futures]
        if not futures:
            self._steps_without_event += 1
            assert self._steps_without_event < STEPS_WITHOUT_EVENT, "the search hangs"
            return False
        self._steps_without_event = 0
        manager, future = min(futures, key=lambda each: each[1].ready_at)
        self._clock.now = max(self._clock.now, future.ready_at)
        manager.resolve_future(future)
        self._try_start_actors()
        return True


class SimulatedController(SteadyController):
    """The controller of a search with simulated workers.

    Args:
        places: Maximum number of workers.
        begin: Function that starts or resumes a trial, given its configuration.
        options: Options of Ray's controller.
    """

    def __init__(
        self, places: int, begin: Callable[[dict[str, Any]], Any], **options: Any
    ) -> None:
        super().__init__(**options)
        self._actor_manager = SimulatedWorkers(places, begin)

    def checkpoint(self, *_: Any, **__: Any) -> None:
        """Write nothing, because a search is resumed from its study."""


class _Storage(StorageContext):
    def _get_session_path(self) -> str:
        """Return a folder inside the storage, because there is no session of Ray."""
        return f"{self.storage_fs_path}/session"


class SimulatedExperiment(Experiment):
    """Ray experiment without files outside its folder."""

    _storage_context_cls = _Storage
