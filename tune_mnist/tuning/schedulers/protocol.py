"""Base class of the schedulers, and the data that a search exchanges with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Self

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import UnbufferedScheduler
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

MODE = "max"
OBJECTIVE = {"metric": METRIC, "mode": MODE, "time_attr": TIME_ATTR}
"""Arguments of Ray's schedulers: metric, direction and time of a comparison."""


@dataclass(frozen=True)
class EarlierTrial:
    """A trial that an earlier run of the search has started.

    Attributes:
        number: Number of the trial in the study.
        values: Validation accuracy by epoch.
        ended: Whether the trial has ended; if not, it is added to Ray again.
        losses: Validation loss by epoch; epochs may be missing.
        model: Name of its architecture.
    """

    number: int
    values: Mapping[int, float]
    ended: bool
    losses: Mapping[int, float] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True)
class Exploit:
    """Exploit of population based training: a trial continues with the weights of another.

    Attributes:
        target: Number of the trial that continues.
        source: Number of the trial whose weights are copied.
        epoch: Epoch after which the target continues.
        params: Hyperparameters of the target after that epoch.
    """

    target: int
    source: int
    epoch: int
    params: dict[str, Any]


@dataclass(frozen=True)
class SearchLink:
    """Data and functions of a search for its scheduler.

    Attributes:
        space: Search space.
        trials: Trials that earlier runs of the search have started.
        all_begun: Function that returns whether the last new trial has been suggested.
        closed_round: Epoch of the last finished synchronous comparison, or 0 before the first.
        close_round: Function that records a finished synchronous comparison, given its epoch.
        exploit: Function that copies the source's checkpoint to the target and records the
            exploit; a repeated call changes nothing.
        exempt: Numbers of the trials that are not stopped early: those of the portfolio.
    """

    space: SearchSpace
    trials: tuple[EarlierTrial, ...]
    all_begun: Callable[[], bool]
    closed_round: int
    close_round: Callable[[int], None]
    exploit: Callable[[Exploit], None]
    exempt: frozenset[int] = frozenset()


class SearchScheduler(UnbufferedScheduler):
    """Base class of the schedulers.

    To add a scheduler, write a subclass and register it in
    :mod:`tune_mnist.tuning.schedulers.registry`. The subclass implements ``from_options`` and
    ``on_trial_result``, may override ``choose_trial_to_run`` (by default first in, first out), and
    sets the attributes below that differ from their defaults. Trials are identified by their
    number in the study, ``trial.config["number"]``, which stays the same when a search is resumed.

    A scheduler with state restores it in ``connect`` from the trials in the study. Ray's
    experiment state is not used.

    Args:
        max_concurrent: Maximum number of concurrent trials.
        options: Arguments of a Ray scheduler that is another base class of the subclass.

    Attributes:
        accepts: Names out of ``OWN_OPTIONS`` that the scheduler accepts.
        resumable: Whether a search with this scheduler can be resumed.
        stops_early: Whether the scheduler ends trials before their last epoch.
        single_objective: Whether the scheduler compares trials, which needs a single objective.
        rungs_at_stages: Whether the scheduler can compare trials at the ends of stages only.
        exploits: Whether trials continue with weights and hyperparameters of others. Then values
            say nothing about a trial's first hyperparameters, and a trial that lost its checkpoint
            cannot be trained again.
        fixed_population: Whether a resumed search must keep the number of trials.
        default_searcher: Name of the searcher if the user names none.
        pauses_pending: Whether the scheduler pauses added trials that must wait. If so, a resumed
            search adds all unfinished trials at once.
        draws_ahead: Whether the scheduler needs more trials than there are workers.
        max_concurrent: As in the arguments; changes with the size of a cluster.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    resumable: ClassVar[bool] = True
    stops_early: ClassVar[bool] = True
    single_objective: ClassVar[bool] = True
    rungs_at_stages: ClassVar[bool] = False
    exploits: ClassVar[bool] = False
    fixed_population: ClassVar[bool] = False
    default_searcher: ClassVar[str] = "tpe"
    pauses_pending: ClassVar[bool] = False
    draws_ahead: ClassVar[bool] = False

    def __init__(self, max_concurrent: int, **options: Any) -> None:
        super().__init__(**options)
        self.max_concurrent = max_concurrent
        self._exempt: frozenset[int] = frozenset()
        """Numbers of the trials that are not stopped early."""
        self._trials: dict[int, Trial] = {}
        """Ray's trials that have not ended, by number."""

    @classmethod
    def from_options(cls, options: SchedulerOptions) -> Self:
        """Build the scheduler without any trials."""
        raise NotImplementedError

    @classmethod
    def check(cls, options: SchedulerOptions) -> None:
        """Check the combination of the options that this scheduler accepts.

        Args:
            options: Options of the scheduler.

        Raises:
            UserError: The options contradict each other; the message names them.
        """

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:  # noqa: ARG003
        """Return the epochs after which trials are compared, which plots mark."""
        return ()

    @classmethod
    def simulate(
        cls,
        options: SchedulerOptions,
        num_samples: int,
        rng: Random,  # noqa: ARG003 - every trial trains all epochs
    ) -> list[int]:
        """Simulate a search, and return the epochs of each trial to estimate the duration.

        Args:
            options: Options of the scheduler.
            num_samples: Number of trials.
            rng: Random generator of the trials' accuracies, which are the same in all epochs.
        """
        return [options.max_epochs] * num_samples

    def connect(self, search: SearchLink) -> None:
        """Restore the state from the trials of earlier runs.

        Args:
            search: Data and functions of the search.
        """
        self._exempt = search.exempt

    def set_concurrency(self, max_concurrent: int) -> None:
        """Change the maximum number of concurrent trials; running trials are not stopped.

        Args:
            max_concurrent: Maximum number of concurrent trials.
        """
        self.max_concurrent = max_concurrent

    def wants_new_trial(self) -> bool:
        """Return whether the searcher should suggest a new trial."""
        return self.count_active() < self.max_concurrent

    def count_active(self) -> int:
        """Return the number of trials that run or wait for a worker."""
        active = (Trial.RUNNING, Trial.PENDING)
        return sum(trial.status in active for trial in self._trials.values())

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a trial: a new one, an unfinished one of a resumed search, or one to try again."""
        super().on_trial_add(tune_controller, trial)
        self._trials[trial.config[NUMBER]] = trial

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Remove a trial that ended while it was running."""
        super().on_trial_complete(tune_controller, trial, result)
        self._end(trial.config[NUMBER])

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial that failed; Ray adds it again if it is tried again."""
        super().on_trial_error(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial that ended while it was paused or pending."""
        super().on_trial_remove(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def save(self, checkpoint_path: str) -> None:
        """Do nothing, since a resumed search restores the scheduler from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, since a resumed search restores the scheduler from the study."""

    def _end(self, number: int) -> None:
        """Remove a trial that has ended; subclasses with more state extend this method."""
        self._trials.pop(number, None)
