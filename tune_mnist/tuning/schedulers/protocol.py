"""The protocol of a scheduler: what a search asks of each of them."""

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
"""Arguments of Ray's own schedulers: what trials are compared by, and when."""


@dataclass(frozen=True)
class EarlierTrial:
    """A trial that an earlier run of the search has begun.

    Attributes:
        number: Number of the trial in the study.
        values: Validation accuracy by epoch.
        ended: Whether the trial has ended; if not, it is added to Ray again.
        losses: Training loss by epoch, as far as known.
        model: Name of its architecture.
    """

    number: int
    values: Mapping[int, float]
    ended: bool
    losses: Mapping[int, float] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True)
class Exploit:
    """A trial's continuation with another one's weights.

    Attributes:
        target: Number of the trial that continues.
        source: Number of the trial whose weights it gets.
        epoch: Epoch after which this happens.
        params: Hyperparameters of the target from then on.
    """

    target: int
    source: int
    epoch: int
    params: dict[str, Any]


@dataclass(frozen=True)
class SearchLink:
    """What a scheduler may ask of its search, and have it do.

    Attributes:
        space: Search space.
        trials: Trials that earlier runs of the search have begun.
        all_begun: Returns whether no new trial will come, before Ray knows.
        closed_round: Epoch of the last synchronous comparison that is done; 0: none.
        close_round: Records that a synchronous comparison after an epoch is done.
        exploit: Copies the source's checkpoint to the target and records that; once more changes
            nothing.
    """

    space: SearchSpace
    trials: tuple[EarlierTrial, ...]
    all_begun: Callable[[], bool]
    closed_round: int
    close_round: Callable[[int], None]
    exploit: Callable[[Exploit], None]


class SearchScheduler(UnbufferedScheduler):
    """A Ray Tune scheduler that a search can build, restore from its study, and ask for facts.

    A new scheduler is a subclass and a line in
    :mod:`tune_mnist.tuning.schedulers.registry`. It implements ``from_options``,
    ``on_trial_result`` and ``choose_trial_to_run`` (inherited: first come, first served), and
    overrides what differs from the defaults below. Trials are known by their number in the study,
    ``trial.config["number"]``, which stays the same when a search is resumed.

    A stateful scheduler gets its state back in ``connect``, from the trials in the study: Ray's
    own experiment state is not used.

    Args:
        max_concurrent: Number of trials that run at a time.
        options: Arguments of a Ray scheduler that is another base of the subclass.

    Attributes:
        accepts: Which of ``OWN_OPTIONS`` it takes.
        resumable: Whether a resumed search can restore it.
        stops_early: Whether it ends trials short of their last epoch.
        single_objective: Whether it compares trials, which it can by one objective only.
        rungs_at_stages: Whether it can compare trials at given epochs only, the ends of stages.
        exploits: Whether trials continue with weights and hyperparameters of others. Nothing is
            learned about those they began with, and a lost checkpoint cannot be trained again.
        fixed_population: Whether a resumed search must keep its number of trials.
        default_searcher: Searcher of a search whose user names none.
        pauses_pending: Whether it pauses added trials that must wait, so that a resumed search
            hands out all unfinished trials at once.
        draws_ahead: Whether it wants more trials than there are workers, to compare them.
        max_concurrent: As given; changes with the size of a cluster.
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
        self._trials: dict[int, Trial] = {}
        """Ray's objects of the trials that have not ended, by number."""

    @classmethod
    def from_options(cls, options: SchedulerOptions) -> Self:
        """Build the scheduler, which has seen no trial yet."""
        raise NotImplementedError

    @classmethod
    def check(cls, options: SchedulerOptions) -> None:
        """Check that options go together that this scheduler accepts.

        Raises:
            UserError: They do not; says why.
        """

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:  # noqa: ARG003
        """Return the rungs: epochs after which trials are compared, for plots."""
        return ()

    @classmethod
    def simulate(
        cls,
        options: SchedulerOptions,
        num_samples: int,
        rng: Random,  # noqa: ARG003 - every trial trains all epochs
    ) -> list[int]:
        """Return the epochs that each trial of a search may train, to estimate its duration.

        Args:
            options: Options of the scheduler.
            num_samples: Number of trials.
            rng: Draws the quality of each trial; trials keep their order in all epochs.
        """
        return [options.max_epochs] * num_samples

    def connect(self, search: SearchLink) -> None:
        """Restore the state from the trials of earlier runs, and keep the link if needed."""

    def set_concurrency(self, max_concurrent: int) -> None:
        """Let more or fewer trials run at a time from now on; no running trial is stopped."""
        self.max_concurrent = max_concurrent

    def wants_new_trial(self) -> bool:
        """Return whether a trial should be drawn that has not been added yet."""
        return self.count_active() < self.max_concurrent

    def count_active(self) -> int:
        """Return the number of trials that have a worker, or wait for one."""
        active = (Trial.RUNNING, Trial.PENDING)
        return sum(trial.status in active for trial in self._trials.values())

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a trial: a new one, an unfinished one, or one that tries again."""
        super().on_trial_add(tune_controller, trial)
        self._trials[trial.config[NUMBER]] = trial

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Forget a trial that ended while it ran."""
        super().on_trial_complete(tune_controller, trial, result)
        self._end(trial.config[NUMBER])

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that failed; Ray adds it again if it may try once more."""
        super().on_trial_error(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that ended while it was paused or pending."""
        super().on_trial_remove(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: a resumed search brings the state back from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: a resumed search brings the state back from the study."""

    def _end(self, number: int) -> None:
        """Forget a trial that has ended; a subclass with state of its own extends this."""
        self._trials.pop(number, None)
