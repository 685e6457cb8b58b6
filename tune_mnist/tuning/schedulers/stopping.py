"""Schedulers that may stop but never pause trials, including the one without early stopping."""

from random import Random
from typing import Any, NamedTuple

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import SearchLink, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class _Key(NamedTuple):
    """Stand-in for a trial that is passed to a Ray scheduler, which uses only the ID."""

    trial_id: str


class StoppingScheduler(SearchScheduler):
    """Base class for Ray's stopping schedulers, whose state is restored from the study.

    The Ray scheduler identifies trials by their number in the study, which stays the same when the
    search is resumed. The decision about an epoch is made only once and repeated if the epoch is
    reported again.

    Subclasses implement ``rule``.
    """

    def __init__(self, options: SchedulerOptions) -> None:
        super().__init__(options)
        self._rule = self.rule(options)
        self._decisions: dict[int, dict[int, str]] = {}

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:
        """Create the Ray scheduler that decides when trials stop. It has no trials yet."""
        raise NotImplementedError

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Simulate a search with one worker, and return the epochs of each trial.

        A trial has the same simulated accuracy in all epochs. Override this method if the rule
        stops trials that do not improve, because it would stop every simulated trial.
        """
        scheduler = cls(options)
        return [scheduler._simulate_trial(number, rng.random()) for number in range(num_samples)]

    def connect(self, search: SearchLink) -> None:
        """Restore the state of the Ray scheduler from the epochs of earlier runs.

        For the recorded epochs of an unfinished trial, the decision stays to continue. The Ray
        scheduler might decide otherwise now, since it sees the trials in another order.
        """
        super().connect(search)
        for trial in search.trials:
            self._add(trial.number)
            for epoch in sorted(trial.values):
                self._decide(trial.number, epoch, trial.values[epoch])
                if not trial.ended and epoch < self._options.max_epochs:
                    self._decisions[trial.number][epoch] = self.CONTINUE

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a trial to this scheduler and the Ray scheduler."""
        super().on_trial_add(tune_controller, trial)
        self._add(trial.config[NUMBER])

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether a trial continues or stops. Ray calls this after each report."""
        if METRIC not in result:
            return self.CONTINUE
        return self._decide(trial.config[NUMBER], result[TIME_ATTR], result[METRIC])

    def _add(self, number: int) -> None:
        if number not in self._decisions:
            self._decisions[number] = {}
            self._rule.on_trial_add(None, _Key(str(number)))

    def _decide(self, number: int, epoch: int, value: float) -> str:
        decisions = self._decisions[number]
        if epoch not in decisions:
            result = {TIME_ATTR: epoch, METRIC: value}
            decision = self._rule.on_trial_result(None, _Key(str(number)), result)
            if number in self._exempt:
                decision = self.CONTINUE
            decisions[epoch] = self.STOP if epoch >= self._options.max_epochs else decision
        return decisions[epoch]

    def _simulate_trial(self, number: int, quality: float) -> int:
        self._add(number)
        epoch = 1
        while self._decide(number, epoch, quality) != self.STOP:
            epoch += 1
        return epoch


class NoEarlyStopping(StoppingScheduler):
    """Scheduler without early stopping, which trains every trial to its last epoch."""

    stops_early = False
    single_objective = False

    @classmethod
    def rule(cls, options: SchedulerOptions) -> TrialScheduler:  # noqa: ARG003
        """Create Ray's scheduler without early stopping."""
        return FIFOScheduler()
