"""Rungs of one bracket of promotion ASHA."""

import bisect
import math
from collections.abc import Iterable, Iterator
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


class Rungs:
    """Rungs of promotion ASHA, with the trials that have paused at each rung or passed it.

    The state depends only on the recorded values, not on their order.

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
        self._epochs = epochs
        self._reduction_factor = reduction_factor
        self.num_trials = num_trials
        self._values: tuple[dict[int, float], ...] = tuple({} for _ in epochs)
        self._losses: tuple[dict[int, float], ...] = tuple({} for _ in epochs)
        self._ranking: tuple[list[tuple[float, float, int]], ...] = tuple([] for _ in epochs)
        """Trials that reached each rung, best first: by value, then loss, then number. The lists
        are kept sorted, since every step of Ray needs the ranking."""
        self._promoted: tuple[set[int], ...] = tuple(set() for _ in epochs)
        self._known: set[int] = set()
        self._ended: set[int] = set()

    @property
    def live(self) -> set[int]:
        """Numbers of the trials that have not ended."""
        return self._known - self._ended

    def add(self, number: int) -> None:
        """Add a trial. If the trial had ended, it is no longer marked as ended."""
        self._known.add(number)
        self._ended.discard(number)

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
        for rung_epoch, values, losses, ranking, promoted in zip(
            self._epochs, self._values, self._losses, self._ranking, self._promoted, strict=True
        ):
            if epoch == rung_epoch and number not in values:
                values[number] = -math.inf if math.isnan(value) else value
                losses[number] = math.inf if math.isnan(loss) else loss
                bisect.insort(ranking, (-values[number], losses[number], number))
            elif epoch > rung_epoch and number in values:
                promoted.add(number)

    def promote(self, number: int) -> None:
        """Promote a trial from the rung at which it is paused."""
        for values, promoted in zip(self._values, self._promoted, strict=True):
            if number in values:
                promoted.add(number)

    def end(self, number: int) -> None:
        """Mark a trial as ended. Its values stay in the rankings."""
        self._ended.add(number)

    def close(self) -> None:
        """Declare that no more trials will be added, so that rankings become final earlier."""
        self.num_trials = len(self._known)

    def is_paused(self, number: int) -> bool:
        """Return whether a trial is paused at a rung."""
        return any(self._is_paused_at(rung, number) for rung in range(len(self._epochs)))

    def paused(self) -> Iterator[PausedTrial]:
        """Yield the trials that are paused at a rung."""
        for rung in range(len(self._epochs)):
            yield from self._paused_at(rung, list(self._values[rung]))

    def promotable(self) -> Iterator[PausedTrial]:
        """Yield the paused trials that are among the best 1/reduction_factor at their rung."""
        for rung, ranking in enumerate(self._ranking):
            best = ranking[: len(ranking) // self._reduction_factor]
            yield from self._paused_at(rung, (number for *_, number in best))

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
        reaching = max(self.num_trials, len(self._known)) - self._lost(self._known, 0)
        for rung in range(len(self._epochs)):
            promoted = self._promoted[rung]
            paused = self._values[rung].keys() - promoted - self._ended
            worst = self._ranking[rung][reaching // self._reduction_factor :]
            here = [number for *_, number in worst if number in paused]
            if spare_best and len(here) == len(paused):
                here = here[1:]
            found.update(here)
            still_coming = reaching - len(self._ranking[rung])
            reaching = still_coming + len(paused) - len(here) + len(promoted)
            reaching -= self._lost(promoted, rung + 1)
        return found

    def __str__(self) -> str:
        return " | ".join(
            f"epoch {epoch}: {len(values)} reached, {len(promoted)} promoted"
            for epoch, values, promoted in zip(
                self._epochs, self._values, self._promoted, strict=True
            )
        )

    def _is_paused_at(self, rung: int, number: int) -> bool:
        here = number in self._values[rung] and number not in self._promoted[rung]
        return here and number not in self._ended

    def _paused_at(self, rung: int, numbers: Iterable[int]) -> Iterator[PausedTrial]:
        for number in numbers:
            if self._is_paused_at(rung, number):
                values, losses = self._values[rung], self._losses[rung]
                yield PausedTrial(self._epochs[rung], values[number], number, losses[number])

    def _lost(self, numbers: set[int], rung: int) -> int:
        """Count the trials that ended before they reached a rung."""
        if rung == len(self._epochs):
            return 0
        return len((numbers & self._ended) - self._values[rung].keys())


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
        while promotable := list(rungs.promotable()):
            train(max(promotable, key=lambda paused: paused.priority).number)
    while max(trained.values()) < max_epochs:
        train(max(rungs.paused(), key=lambda paused: paused.priority).number)
    return list(trained.values())
