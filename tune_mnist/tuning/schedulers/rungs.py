"""Rungs of one bracket of promotion ASHA."""

import bisect
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple


class PausedTrial(NamedTuple):
    """Trial that is paused at a rung.

    Attributes:
        epoch: Epoch of the rung.
        value: Value of the trial at the rung. Higher is better.
        number: Number of the trial.
        loss: Validation loss of the trial at the rung. It ranks trials of equal value.
    """

    epoch: int
    value: float
    number: int
    loss: float = 0.0

    @property
    def priority(self) -> tuple[int, float, float, int]:
        """Sort key for promotions. The paused trial with the largest key is promoted first.

        The key prefers the highest rung, then the highest value, the lowest loss and the lowest
        number.
        """
        return self.epoch, self.value, -self.loss, -self.number


_Key = tuple[float, float, int]
"""Sort key of a trial at a rung, the best trial first: by value, then loss, then number."""


class _Rung:
    """Trials that reached one rung, or ended on their way to it.

    Attributes:
        epoch: Epoch of the rung.
        keys: Sort key of each trial that reached the rung, keyed by trial number.
        ranking: Sorted keys of all trials that reached the rung.
        paused: Sorted keys of the trials that are paused at the rung.
        promoted: Numbers of the trials that were promoted from the rung.
        lost: Numbers of the trials that ended on their way to the rung.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.keys: dict[int, _Key] = {}
        self.ranking: list[_Key] = []
        self.paused: list[_Key] = []
        self.promoted: set[int] = set()
        self.lost: set[int] = set()

    def rank(self, number: int, value: float, loss: float) -> None:
        """Add a trial to the ranking. NaN is the worst value and the worst loss."""
        key = (
            math.inf if math.isnan(value) else -value,
            math.inf if math.isnan(loss) else loss,
            number,
        )
        self.keys[number] = key
        bisect.insort(self.ranking, key)

    def is_paused(self, number: int) -> bool:
        """Return whether a trial is paused at the rung."""
        key = self.keys.get(number)
        return key is not None and _contains(self.paused, key)

    def set_paused(self, number: int, paused: bool) -> None:
        """Add a trial to the paused trials, or remove the trial from them."""
        if paused == self.is_paused(number):
            return
        key = self.keys[number]
        if paused:
            bisect.insort(self.paused, key)
        else:
            del self.paused[bisect.bisect_left(self.paused, key)]

    def count_paused(self, rank: int) -> int:
        """Count the paused trials with a rank below ``rank``.

        Args:
            rank: Rank among all trials that reached the rung, 0 for the best trial.
        """
        if rank >= len(self.ranking):
            return len(self.paused)
        return bisect.bisect_left(self.paused, self.ranking[rank])

    def best_paused(self, count: int) -> Iterator[PausedTrial]:
        """Yield the best ``count`` paused trials, the best one first."""
        for value, loss, number in itertools.islice(self.paused, count):
            yield PausedTrial(self.epoch, -value, number, loss)


class Rungs:
    """Rungs of promotion ASHA, with the trials that have paused at each rung or passed it.

    The state depends only on the recorded values, not on their order. The scheduler reads the
    paused trials in every step of Ray, so each rung keeps them sorted.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020,
    Algorithm 2.

    Args:
        epochs: Epochs of the rungs, ascending.
        reduction_factor: Factor by which the number of trials is reduced at each rung, at least 2.
        num_trials: Maximum number of trials.

    Attributes:
        num_trials: Maximum number of trials. After ``close``, the number of added trials.
    """

    def __init__(self, epochs: tuple[int, ...], reduction_factor: int, num_trials: int) -> None:
        self._reduction_factor = reduction_factor
        self.num_trials = num_trials
        self._rungs = [_Rung(epoch) for epoch in epochs]
        self._known: set[int] = set()
        self._ended: set[int] = set()

    def add(self, number: int) -> None:
        """Add a trial. If the trial had ended, it is no longer marked as ended."""
        self._known.add(number)
        self._ended.discard(number)
        self._update(number)

    def record(self, number: int, epoch: int, value: float, loss: float = 0.0) -> None:
        """Record the value of a trial after an epoch, and rank the trial if the epoch is a rung.

        If a trial reports a rung's epoch twice, the second report is ignored. An epoch beyond a
        rung implies that the trial was promoted from this rung.

        Args:
            number: Number of the trial.
            epoch: Number of trained epochs.
            value: Value by which trials are compared. Higher is better, and NaN is worst.
            loss: Validation loss, which ranks trials of equal value. Networks that have not
                learned anything yet have equal accuracies, but a lower loss shows that a network
                is about to learn.
        """
        for rung in self._rungs:
            if epoch == rung.epoch and number not in rung.keys:
                rung.rank(number, value, loss)
            elif epoch > rung.epoch and number in rung.keys:
                rung.promoted.add(number)
        self._update(number)

    def promote(self, number: int) -> None:
        """Promote a trial from the rung at which it is paused."""
        for rung in self._rungs:
            if number in rung.keys:
                rung.promoted.add(number)
        self._update(number)

    def end(self, number: int) -> None:
        """Mark a trial as ended. Its values stay in the rankings."""
        self._ended.add(number)
        self._update(number)

    def close(self) -> None:
        """Declare that no more trials will be added, so that rankings become final earlier."""
        self.num_trials = len(self._known)

    def is_paused(self, number: int) -> bool:
        """Return whether a trial is paused at a rung."""
        return any(rung.is_paused(number) for rung in self._rungs)

    def paused(self) -> Iterator[PausedTrial]:
        """Yield the trials that are paused at a rung, in the order of their priority."""
        for rung in reversed(self._rungs):
            yield from rung.best_paused(len(rung.paused))

    def promotable(self) -> Iterator[PausedTrial]:
        """Yield the paused trials that are among the best 1/reduction_factor at their rung.

        The trials are yielded in the order of their priority.
        """
        for rung in reversed(self._rungs):
            count = rung.count_paused(len(rung.ranking) // self._reduction_factor)
            yield from rung.best_paused(count)

    def cannot_be_promoted(self, spare_best: bool) -> set[int]:
        """Return the numbers of the paused trials that can never be promoted.

        The rank of a trial never improves. Therefore a trial cannot be promoted once it is outside
        the top 1/reduction_factor of all trials that can still reach its rung. These may be more
        than num_trials / reduction_factor^k, since ASHA promotes some trials before better ones
        report.

        Args:
            spare_best: Whether to exclude the best paused trial of each rung.
        """
        found: set[int] = set()
        reaching = max(self.num_trials, len(self._known))
        for rung in self._rungs:
            reaching -= len(rung.lost)
            # A damaged study can lack the values of some rungs, so the count can be negative.
            promotable = max(reaching, 0) // self._reduction_factor
            here = rung.paused[rung.count_paused(promotable) :]
            if spare_best and len(here) == len(rung.paused):
                here = here[1:]
            found.update(number for *_, number in here)
            still_coming = reaching - len(rung.ranking)
            reaching = still_coming + len(rung.paused) - len(here) + len(rung.promoted)
        return found

    def __str__(self) -> str:
        return " | ".join(
            f"epoch {rung.epoch}: {len(rung.ranking)} reached, {len(rung.promoted)} promoted"
            for rung in self._rungs
        )

    def _update(self, number: int) -> None:
        """Update at each rung whether a trial is paused there, and whether it is lost."""
        ended = number in self._ended
        on_its_way = number in self._known
        for rung in self._rungs:
            reached = number in rung.keys
            rung.set_paused(number, reached and not ended and number not in rung.promoted)
            if on_its_way and ended and not reached:
                rung.lost.add(number)
            else:
                rung.lost.discard(number)
            on_its_way = number in rung.promoted


def _contains(ascending: list[_Key], key: _Key) -> bool:
    index = bisect.bisect_left(ascending, key)
    return index < len(ascending) and ascending[index] == key


def rung_epochs(max_epochs: int, grace_period: int, reduction_factor: int) -> tuple[int, ...]:
    """Return the epochs of the rungs: grace_period * reduction_factor^k, below max_epochs.

    Args:
        max_epochs: Maximum epochs per trial.
        grace_period: Epoch of the first rung, at least 1.
        reduction_factor: Factor between the epochs of two rungs, at least 2.
    """
    epochs = []
    epoch = grace_period
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= reduction_factor
    return tuple(epochs)


def simulate_promotion(
    epochs: tuple[int, ...], reduction_factor: int, max_epochs: int, qualities: list[float]
) -> list[int]:
    """Simulate promotion ASHA on one worker, and return the epochs of each trial.

    Args:
        epochs: Epochs of the rungs, ascending.
        reduction_factor: Factor by which the number of trials is reduced at each rung, at least 2.
        max_epochs: Maximum epochs per trial.
        qualities: Simulated value of each trial, which is the same at all epochs.
    """
    rungs = Rungs(epochs, reduction_factor, len(qualities))
    trained = dict.fromkeys(range(len(qualities)), 0)

    def train(number: int) -> None:
        later = [epoch for epoch in epochs if epoch > trained[number]]
        trained[number] = later[0] if later else max_epochs
        rungs.record(number, trained[number], qualities[number])

    for number in range(len(qualities)):
        rungs.add(number)
        train(number)
        while (promotable := next(rungs.promotable(), None)) is not None:
            train(promotable.number)
    while max(trained.values()) < max_epochs:
        train(next(rungs.paused()).number)
    return list(trained.values())
