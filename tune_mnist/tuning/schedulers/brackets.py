"""Brackets of promotion ASHA, each with its own rungs for each architecture."""

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import EarlierTrial
from tune_mnist.tuning.schedulers.rungs import PausedTrial, Rungs


class Brackets:
    """Trials of promotion ASHA, grouped by architecture and bracket.

    Trials are compared only with trials of the same architecture and bracket. Bracket s starts at
    rung s, counted from 0.

    Args:
        options: Options of the scheduler. Trial numbers are below the number of trials, which
            includes the imported ones. The reduction factor is at least 2.

    Attributes:
        complete: Architectures with at least one trial that has trained all epochs.
    """

    def __init__(self, options: SchedulerOptions) -> None:
        self._options = options
        self._epochs = options.rung_epochs
        self._shares = bracket_shares(
            options.brackets, len(self._epochs), options.reduction_factor
        )
        count = options.imported + options.num_samples
        self._sizes = Counter(map(self._bracket, range(count)))
        self._share = max(math.ceil(count / options.architectures), options.queued)
        """Maximum number of trials of one architecture: an equal share of all trials, since
        architectures take turns, or all queued configurations of one architecture if these are
        more."""
        self._groups: dict[tuple[str, int], Rungs] = {}
        self._models: dict[int, str] = {}
        self.complete: set[str] = set()

    def __str__(self) -> str:
        return "\n".join(
            f"{model} bracket {index}: {rungs}".lstrip()
            for (model, index), rungs in self._groups.items()
        )

    def add(self, number: int, model: str) -> None:
        """Add a trial. If the trial had ended, it takes part in the comparisons again."""
        self._models[number] = model
        self.of(number).add(number)

    def restore(self, trial: EarlierTrial) -> None:
        """Restore a trial of an earlier run of the search. The order of the calls does not matter.

        An unfinished trial whose last epoch is a rung becomes paused at this rung, even if it had
        been promoted. The study records a promotion only after the next epoch, so that the
        decision must be made again.
        """
        self.add(trial.number, trial.model)
        rungs = self.of(trial.number)
        for epoch, value in sorted(trial.values.items()):
            rungs.record(trial.number, epoch, value, trial.losses.get(epoch, math.inf))
        if max(trial.values, default=0) >= self._options.max_epochs:
            self.complete.add(trial.model)
        if trial.ended:
            rungs.end(trial.number)

    def of(self, number: int) -> Rungs:
        """Return the rungs of the architecture and bracket that a trial belongs to."""
        bracket = self._bracket(number)
        key = (self._models[number], bracket)
        if key not in self._groups:
            self._groups[key] = Rungs(
                self._epochs[bracket:],
                self._options.reduction_factor,
                min(self._sizes[bracket], self._share),
            )
        return self._groups[key]

    def model(self, number: int) -> str:
        """Return the architecture of a trial."""
        return self._models[number]

    def close(self) -> None:
        """Declare that no more trials will be added, so that rankings become final earlier."""
        for rungs in self._groups.values():
            rungs.close()

    def first_promotable(self) -> int | None:
        """Return the number of the trial to promote next, or None if no trial is promotable."""
        return _first(rungs.promotable() for rungs in self._groups.values())

    def first_paused(self, without: set[str]) -> int | None:
        """Return the number of the best paused trial at the highest rung.

        Args:
            without: Architectures whose trials are excluded.

        Returns:
            Number of the trial, or None if no other trial is paused.
        """
        return _first(
            rungs.paused() for (model, _), rungs in self._groups.items() if model not in without
        )

    def cannot_be_promoted(self) -> set[int]:
        """Return the numbers of the paused trials that can never be promoted.

        Until an architecture has a trial that trained all epochs, the best paused trial of each of
        its rungs is kept.
        """
        return set[int]().union(
            *(
                rungs.cannot_be_promoted(spare_best=model not in self.complete)
                for (model, _), rungs in self._groups.items()
            )
        )

    def _bracket(self, number: int) -> int:
        return assign_bracket(number, self._shares, self._options.seed)


def _first(paused_by_group: Iterable[Iterator[PausedTrial]]) -> int | None:
    """Return the number of the trial with the highest priority, or None if there is none.

    Args:
        paused_by_group: Paused trials of each group, in the order of their priority.
    """
    candidates = (paused for group in paused_by_group for paused in itertools.islice(group, 1))
    first = max(candidates, key=lambda paused: paused.priority, default=None)
    return None if first is None else first.number


def bracket_shares(brackets: int, rungs: int, reduction_factor: int) -> tuple[float, ...]:
    """Return the fraction of trials to assign to each bracket.

    The fractions are chosen so that all brackets take about the same time.

    Source: Li et al., "Hyperband", JMLR 2018.

    Args:
        brackets: Number of brackets.
        rungs: Number of rungs in the first bracket.
        reduction_factor: Factor by which the number of trials is reduced at each rung.
    """
    rungs_left = rungs - np.arange(min(brackets, rungs + 1))
    weights = float(reduction_factor) ** rungs_left / (rungs_left + 1)
    return tuple(weights / weights.sum())


@functools.cache
def assign_bracket(number: int, shares: tuple[float, ...], seed: int) -> int:
    """Assign a trial to a random bracket. The same arguments always give the same bracket.

    Args:
        number: Number of the trial.
        shares: Fraction of trials to assign to each bracket.
        seed: Random seed for the assignment.
    """
    rng = np.random.default_rng((seed, number))
    return int(rng.choice(len(shares), p=shares))
