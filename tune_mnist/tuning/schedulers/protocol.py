"""Base class of the schedulers, and the data that they exchange with a search."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import UnbufferedScheduler
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

MODE = "max"
OBJECTIVE = {"metric": METRIC, "mode": MODE, "time_attr": TIME_ATTR}
"""Arguments that tell a Ray scheduler by which metric, and after which time, to compare trials."""


@dataclass(frozen=True)
class EarlierTrial:
    """Trial that was started by an earlier run of a resumed search.

    Attributes:
        number: Number of the trial in the study.
        values: Validation accuracy, keyed by epoch.
        ended: Whether the trial has ended. An unfinished trial is added to Ray again.
        losses: Validation loss, keyed by epoch. Epochs may be missing.
        model: Name of the trial's architecture.
    """

    number: int
    values: Mapping[int, float]
    ended: bool
    losses: Mapping[int, float] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True)
class Exploit:
    """Exploit of population based training: a trial continues with another trial's weights.

    Attributes:
        target: Number of the trial that continues.
        source: Number of the trial whose weights are copied.
        epoch: Epoch after which the target continues.
        params: Hyperparameters with which the target continues.
    """

    target: int
    source: int
    epoch: int
    params: dict[str, Any]


@dataclass(frozen=True)
class SearchLink:
    """Access of a scheduler to the study and the checkpoints of its search.

    Attributes:
        space: Search space.
        trials: Trials that were started by earlier runs of the search.
        all_begun: Function that returns whether the last new trial has been suggested.
        closed_round: Epoch of the last finished comparison of a population, or 0 if there was
            none.
        close_round: Function that records a finished comparison of a population, given its epoch.
        exploit: Function that copies the source's checkpoint to the target and records the
            exploit. Repeated calls change nothing.
        exempt: Numbers of the trials that must not be stopped early: those from the portfolio.
    """

    space: SearchSpace
    trials: tuple[EarlierTrial, ...]
    all_begun: Callable[[], bool]
    closed_round: int
    close_round: Callable[[int], None]
    exploit: Callable[[Exploit], None]
    exempt: frozenset[int] = frozenset()


class SearchScheduler(UnbufferedScheduler):
    """Base class of all schedulers.

    To add a scheduler, write a subclass and register it in
    :mod:`tune_mnist.tuning.schedulers.registry`. A scheduler that only stops trials is a
    ``StoppingScheduler`` and implements ``rule``. Any other subclass implements
    ``on_trial_result`` and may override ``choose_trial_to_run`` (by default first in, first out).
    Both override those class attributes whose defaults do not apply. Trials are identified by
    their number in the study, ``trial.config["number"]``, which stays the same when a search is
    resumed.

    A scheduler with state must restore it in ``connect`` from the trials in the study. Ray's
    experiment state is not used.

    Args:
        options: Options of the scheduler.
        of_ray: Arguments of the Ray scheduler, if a subclass also inherits from one.

    Attributes:
        accepts: Names of the options in ``OWN_OPTIONS`` that the scheduler accepts.
        resumable: Whether a search with this scheduler can be resumed.
        stops_early: Whether the scheduler ends trials before their last epoch.
        single_objective: Whether the scheduler compares trials, which requires a single objective.
        rungs_at_stages: Whether the scheduler can restrict comparisons to the ends of stages.
        exploits: Whether trials continue with the weights and hyperparameters of other trials. The
            result of a trial then says nothing about its initial hyperparameters, and a trial
            whose checkpoint is lost cannot be trained again.
        fixed_population: Whether a resumed search must keep the number of trials.
        default_searcher: Name of the searcher that is used if the user chooses none.
        pauses_pending: Whether the scheduler pauses added trials that must wait for a worker. If
            so, a resumed search adds all unfinished trials immediately.
        draws_ahead: Whether the scheduler needs more trials than there are workers.
        max_concurrent: Maximum number of concurrent trials. It changes with the size of a cluster.
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

    def __init__(self, options: SchedulerOptions, **of_ray: Any) -> None:
        super().__init__(**of_ray)
        self._options = options
        self.max_concurrent = options.max_concurrent
        self._exempt: frozenset[int] = frozenset()
        """Numbers of the trials that are not stopped early."""
        self._trials: dict[int, Trial] = {}
        """Ray's trials that have not ended, keyed by trial number."""

    @classmethod
    def check(cls, options: SchedulerOptions) -> None:
        """Check that the options used by this scheduler can be combined.

        Raises:
            UserError: The options contradict each other. The message names the options.
        """

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:  # noqa: ARG003
        """Return the epochs after which trials are compared, so that plots can mark them."""
        return ()

    @classmethod
    def simulate(
        cls,
        options: SchedulerOptions,
        num_samples: int,
        rng: Random,  # noqa: ARG003 - every trial trains all epochs
    ) -> list[int]:
        """Simulate a search to estimate its duration, and return the epochs of each trial.

        Args:
            options: Options of the scheduler.
            num_samples: Number of trials.
            rng: Random generator for the accuracies of the trials. A trial has the same simulated
                accuracy in all epochs.
        """
        return [options.max_epochs] * num_samples

    def connect(self, search: SearchLink) -> None:
        """Restore the state of the scheduler from the trials of earlier runs.

        Args:
            search: Access to the study and the checkpoints of the search.
        """
        self._exempt = search.exempt

    def set_concurrency(self, max_concurrent: int) -> None:
        """Change the maximum number of concurrent trials. Running trials are not stopped."""
        self.max_concurrent = max_concurrent

    def wants_new_trial(self) -> bool:
        """Return whether the searcher should suggest a new trial."""
        return self.count_active() < self.max_concurrent

    def count_active(self) -> int:
        """Return the number of trials that are running or waiting for a worker."""
        active = (Trial.RUNNING, Trial.PENDING)
        return sum(trial.status in active for trial in self._trials.values())

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a trial to the state. Ray calls this for new, resumed and retried trials."""
        super().on_trial_add(tune_controller, trial)
        self._trials[trial.config[NUMBER]] = trial

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Remove a trial from the state. Ray calls this when a running trial has ended."""
        super().on_trial_complete(tune_controller, trial, result)
        self._end(trial.config[NUMBER])

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a failed trial from the state. Ray adds it again if the trial is retried."""
        super().on_trial_error(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Remove a trial from the state. Ray calls this when a paused or pending trial ended."""
        super().on_trial_remove(tune_controller, trial)
        self._end(trial.config[NUMBER])

    def save(self, checkpoint_path: str) -> None:
        """Do nothing when Ray calls this: a resumed search restores the state from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing when Ray calls this: a resumed search restores the state from the study."""

    def _end(self, number: int) -> None:
        """Remove a trial that has ended. Subclasses with more state extend this method."""
        self._trials.pop(number, None)
