"""Brackets of ASHA: the assignment of trials, and the rungs of each architecture and bracket."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from tune_mnist.tuning.schedulers.protocol import EarlierTrial
from tune_mnist.tuning.schedulers.rungs import PausedTrial, Rungs


class Brackets:
    """The rungs of each architecture and bracket.

    Trials are compared with trials of the same architecture and bracket only.

    Args:
        rungs: Epochs of the rungs of the first bracket, ascending.
        max_epochs: Epochs of a trial that is promoted from every rung.
        num_samples: Number of trials; their numbers are below it.
        reduction_factor: Of the trials at a rung, one in this many is promoted.
        brackets: Number of brackets; bracket s starts at rung s. There are at most as many as
            rungs, plus one.
        seed: Seed of the assignment of trials to brackets.
        share: Most trials that one architecture gets; None: all of them.

    Attributes:
        complete: Architectures of which a trial has trained all its epochs.
    """

    def __init__(
        self,
        rungs: tuple[int, ...],
        max_epochs: int,
        num_samples: int,
        reduction_factor: int,
        brackets: int,
        seed: int,
        share: int | None,
    ) -> None:
        self._epochs, self._max_epochs = rungs, max_epochs
        self._reduction_factor = reduction_factor
        self._seed = seed
        self._shares = bracket_shares(brackets, len(rungs), reduction_factor)
        self._sizes = Counter(map(self._bracket, range(num_samples)))
        self._share = num_samples if share is None else share
        self._groups: dict[tuple[str, int], Rungs] = {}
        self._models: dict[int, str] = {}
        self.complete: set[str] = set()

    def __str__(self) -> str:
        return "\n".join(
            f"{model} bracket {index}: {rungs}".lstrip()
            for (model, index), rungs in self._groups.items()
        )

    def add(self, number: int, model: str) -> None:
        """Take in a trial, or take back one that had ended."""
        self._models[number] = model
        self.of(number).add(number)

    def restore(self, trial: EarlierTrial) -> None:
        """Take in a trial of an earlier run of the search, in any order.

        An unfinished trial whose last epoch is a rung's is paused there, also if it had just been
        promoted: that leaves no trace before its next epoch, and is decided again.
        """
        self.add(trial.number, trial.model)
        rungs = self.of(trial.number)
        for epoch, value in sorted(trial.values.items()):
            rungs.record(trial.number, epoch, value, trial.losses.get(epoch, math.inf))
        if max(trial.values, default=0) >= self._max_epochs:
            self.complete.add(trial.model)
        if trial.ended:
            rungs.end(trial.number)

    def of(self, number: int) -> Rungs:
        """Return the rungs on which a trial is."""
        bracket = self._bracket(number)
        key = (self._models[number], bracket)
        if key not in self._groups:
            self._groups[key] = Rungs(
                self._epochs[bracket:],
                self._reduction_factor,
                min(self._sizes[bracket], self._share),
            )
        return self._groups[key]

    def model(self, number: int) -> str:
        """Return the architecture of a trial."""
        return self._models[number]

    def live(self) -> set[int]:
        """Return the trials that have not ended."""
        return set[int]().union(*(rungs.live for rungs in self._groups.values()))

    def close(self) -> None:
        """Note that no further trial will come."""
        for rungs in self._groups.values():
            rungs.close()

    def first_promotable(self) -> int | None:
        """Return the trial to promote next; None: no rung has one."""
        return _first(Rungs.promotable, self._groups.values())

    def first_paused(self, without: set[str]) -> int | None:
        """Return the best paused trial of the highest rung; None: there is none.

        Args:
            without: Architectures whose trials are left out.
        """
        groups = [rungs for (model, _), rungs in self._groups.items() if model not in without]
        return _first(Rungs.paused, groups)

    def cannot_be_promoted(self) -> set[int]:
        """Return the trials to end.

        The best trial of a rung is spared until its architecture has a complete trial.
        """
        return set[int]().union(
            *(
                rungs.cannot_be_promoted(spare_best=model not in self.complete)
                for (model, _), rungs in self._groups.items()
            )
        )

    def _bracket(self, number: int) -> int:
        return assign_bracket(number, self._shares, self._seed)


def _first(
    select: Callable[[Rungs], Iterable[PausedTrial]], groups: Iterable[Rungs]
) -> int | None:
    candidates = (paused for rungs in groups for paused in select(rungs))
    first = max(candidates, key=lambda paused: paused.priority, default=None)
    return None if first is None else first.number


def bracket_shares(brackets: int, rungs: int, reduction_factor: int) -> tuple[float, ...]:
    """Return each bracket's share of the trials, so that each takes about the same time.

    Source: Li et al., "Hyperband", JMLR 2018.
    """
    rungs_left = rungs - np.arange(min(brackets, rungs + 1))
    weights = float(reduction_factor) ** rungs_left / (rungs_left + 1)
    return tuple(weights / weights.sum())


@functools.cache
def assign_bracket(number: int, shares: tuple[float, ...], seed: int) -> int:
    """Return the bracket of a trial, always the same."""
    rng = np.random.default_rng((seed, number))
    return int(rng.choice(len(shares), p=shares))
