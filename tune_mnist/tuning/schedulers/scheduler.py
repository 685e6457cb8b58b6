"""Early stopping: which trials are worth another epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from tune_mnist.errors import unknown
from tune_mnist.tuning.schedulers.promotion import PromotionAsha
from tune_mnist.tuning.schedulers.rungs import rung_epochs
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

MODE = "max"
SCHEDULERS = ("asha", "asha-stopping", "asha-promotion", "hyperband", "median", "pbt", "none")
ASHA = "asha-promotion"
"""What ``asha`` stands for: the better one in benchmarks/scheduling."""

RESUMABLE = tuple(name for name in SCHEDULERS if name != "hyperband")


@dataclass(frozen=True)
class SchedulerOptions:
    """How trials are stopped early.

    Attributes:
        name: one of SCHEDULERS.
        max_epochs: epochs of a trial that is not stopped.
        grace_period: epochs that every trial gets; the first rung of ASHA.
        reduction_factor: ASHA and HyperBand keep the best of that many.
        brackets: of ASHA; the second begins a rung later, and so on.
        seed: decides which trial goes into which bracket.
        num_samples: how many trials there will be in all.
        max_concurrent: how many trials run at a time.
        rungs: epochs of ASHA's rungs; None: grace_period * reduction_factor^k.
        architectures: How many architectures share the trials.
        queued: Most trials of one architecture that are queued to be tried first.
    """

    name: str
    max_epochs: int
    grace_period: int = 1
    reduction_factor: int = 3
    brackets: int = 1
    seed: int = 0
    num_samples: int = 1
    max_concurrent: int = 1
    rungs: tuple[int, ...] | None = None
    architectures: int = 1
    queued: int = 0

    @property
    def rung_epochs(self) -> tuple[int, ...]:
        """The epochs of ASHA's rungs."""
        if self.rungs is not None:
            return self.rungs
        return rung_epochs(self.max_epochs, self.grace_period, self.reduction_factor)


@dataclass(frozen=True)
class _Key:
    """Stands for a trial towards a scheduler that only wants to tell trials apart."""

    trial_id: str


class _SeededAsha(AsyncHyperBandScheduler):
    """Ray's ASHA, with brackets that a seed and the trial decide, not the global random state.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020
    (the stopping variant); the odds of the brackets are Ray's own.
    """

    def __init__(self, seed: int, rungs: tuple[int, ...] | None, **options: Any) -> None:
        super().__init__(**options)
        self._seed = seed
        if rungs is not None:
            for first, bracket in enumerate(self._brackets):
                bracket._rungs = [(epoch, {}) for epoch in reversed(rungs[first:])]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Choose the trial's bracket."""
        sizes = np.array([len(bracket._rungs) for bracket in self._brackets])
        odds = np.exp(sizes - sizes.max())
        rng = np.random.default_rng([self._seed, int(trial.trial_id)])
        chosen = rng.choice(len(sizes), p=odds / odds.sum())
        self._trial_info[trial.trial_id] = self._brackets[chosen]


class _HyperBand(HyperBandScheduler):
    """Ray's HyperBand, which would stumble over the report of a trial that cannot go on."""

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial goes on after this epoch."""
        if METRIC not in result:
            return str(self.CONTINUE)
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision


class _Median(MedianStoppingRule):
    """Ray's median rule, which never lets a trial wait for others: it goes on until it is judged.

    Source: Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017,
    section 3.2.2.
    """

    def _on_insufficient_samples(self, tune_controller: Any, trial: Any, time: float) -> str:
        return str(self.CONTINUE)


class StoppingScheduler(FIFOScheduler):
    """Lets one of Ray's stopping schedulers decide, and can be brought back to where it was.

    Trials are known to it by their number in the study, which stays theirs when the search is
    resumed, and what it has decided once about an epoch it decides again.

    Args:
        inner: decides whether a trial stops after an epoch.
        max_epochs: after which every trial stops.
    """

    def __init__(self, inner: TrialScheduler, max_epochs: int) -> None:
        super().__init__()
        self._inner = inner
        self._max_epochs = max_epochs
        self._decisions: dict[int, dict[int, str]] = {}

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Make the trial known."""
        self._add(trial.config[NUMBER])

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial goes on after this epoch."""
        if METRIC not in result:
            return str(self.CONTINUE)
        return self._decide(trial.config[NUMBER], result[TIME_ATTR], result[METRIC])

    def replay(self, values: Mapping[int, Mapping[int, float]]) -> set[int]:
        """Take in what an earlier run of the search has seen.

        Args:
            values: by trial number and epoch, in the order of the numbers.

        Returns:
            The numbers of the trials that were to be stopped after their last epoch.
        """
        stopped = set()
        for number, epochs in values.items():
            self._add(number)
            decisions = [self._decide(number, epoch, epochs[epoch]) for epoch in sorted(epochs)]
            if decisions and decisions[-1] == self.STOP:
                stopped.add(number)
        return stopped

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: a resumed search brings the state back from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: a resumed search brings the state back from the study."""

    def _add(self, number: int) -> None:
        if number not in self._decisions:
            self._decisions[number] = {}
            self._inner.on_trial_add(None, _Key(str(number)))

    def _decide(self, number: int, epoch: int, value: float) -> str:
        decisions = self._decisions[number]
        if epoch not in decisions:
            result = {TIME_ATTR: epoch, METRIC: value}
            decision = self._inner.on_trial_result(None, _Key(str(number)), result)
            decisions[epoch] = self.STOP if epoch >= self._max_epochs else decision
        return decisions[epoch]


def create_scheduler(options: SchedulerOptions) -> TrialScheduler:
    """Build the scheduler of that name.

    Raises:
        UserError: unknown name.
    """
    if options.name not in SCHEDULERS:
        raise unknown("scheduler", options.name, SCHEDULERS)
    if options.name == "asha-promotion":
        return PromotionAsha(
            options.max_epochs,
            options.num_samples,
            options.max_concurrent,
            options.rung_epochs,
            options.reduction_factor,
            options.brackets,
            options.seed,
            max(ceil(options.num_samples / options.architectures), options.queued),
        )
    common = {"metric": METRIC, "mode": MODE, "time_attr": TIME_ATTR}
    if options.name == "hyperband":
        return _HyperBand(
            max_t=options.max_epochs, reduction_factor=options.reduction_factor, **common
        )
    inner: TrialScheduler = FIFOScheduler()
    if options.name == "median":
        inner = _Median(grace_period=options.grace_period, **common)
    elif options.name != "none":
        inner = _SeededAsha(
            seed=options.seed,
            rungs=options.rungs,
            max_t=options.max_epochs,
            grace_period=options.grace_period,
            reduction_factor=options.reduction_factor,
            brackets=options.brackets,
            **common,
        )
    return StoppingScheduler(inner, options.max_epochs)
