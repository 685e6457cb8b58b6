"""The rungs of one bracket of ASHA: paused, promoted and ended trials."""

import bisect
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class PausedTrial(NamedTuple):
    """A trial that is paused at a rung.

    Attributes:
        epoch: Epoch of the rung.
        value: Value of the trial there; the higher the better.
        number: Number of the trial.
        loss: Training loss of the trial there; decides between equal values.
    """

    epoch: int
    value: float
    number: int
    loss: float = 0.0

    @property
    def priority(self) -> tuple[int, float, float, int]:
        """Sort key of promotion: highest rung, highest value, lowest loss, lowest number."""
        return self.epoch, self.value, -self.loss, -self.number


class Rungs:
    """Which trials have reached which rung, and which of them have been promoted from it.

    Holds no order of events: the same values in any order make the same rungs.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020,
    Algorithm 2.

    Args:
        epochs: Epochs of the rungs, ascending.
        reduction_factor: Of the trials at a rung, one in this many is promoted.
        num_trials: Most trials that there will be.

    Attributes:
        num_trials: As given; fewer once ``close`` has been called.
    """

    def __init__(self, epochs: tuple[int, ...], reduction_factor: int, num_trials: int) -> None:
        self._epochs = epochs
        self._reduction_factor = reduction_factor
        self.num_trials = num_trials
        self._values: tuple[dict[int, float], ...] = tuple({} for _ in epochs)
        self._losses: tuple[dict[int, float], ...] = tuple({} for _ in epochs)
        self._ranking: tuple[list[tuple[float, float, int]], ...] = tuple([] for _ in epochs)
        """At each rung, best first: by value, then loss, then number. Kept sorted, since Ray asks
        in every step."""
        self._promoted: tuple[set[int], ...] = tuple(set() for _ in epochs)
        self._known: set[int] = set()
        self._ended: set[int] = set()

    @property
    def live(self) -> set[int]:
        """The trials that have not ended."""
        return self._known - self._ended

    def add(self, number: int) -> None:
        """Take in a trial, or take back one that had ended."""
        self._known.add(number)
        self._ended.discard(number)

    def record(self, number: int, epoch: int, value: float, loss: float = 0.0) -> None:
        """Record a trial's value after an epoch; the first one at a rung counts.

        A trial beyond a rung has been promoted from it.

        Args:
            number: Number of the trial.
            epoch: Epochs trained.
            value: Value to compare, the higher the better; NaN is worse than any number.
            loss: Training loss, which ranks trials of equal value: networks that still guess
                have the same accuracy, and the one whose loss has fallen further learns sooner.
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
        """Promote a trial from the rung at which it is paused, if any."""
        for values, promoted in zip(self._values, self._promoted, strict=True):
            if number in values:
                promoted.add(number)

    def end(self, number: int) -> None:
        """Note that a trial has ended; it keeps its places in the ranking."""
        self._ended.add(number)

    def close(self) -> None:
        """Note that no further trial will come."""
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
        """Return the paused trials that can never be promoted, whatever is still to come.

        A trial's rank only worsens, so it cannot be promoted once it is outside the best
        1/reduction_factor of all that may ever reach its rung. That may be more than
        num_trials / reduction_factor^k: ASHA also promotes trials that looked good too early.

        Args:
            spare_best: Whether the best paused trial of each rung is left out.
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
        """Count the trials that ended on their way to a rung."""
        if rung == len(self._epochs):
            return 0
        return len((numbers & self._ended) - self._values[rung].keys())


def rung_epochs(max_epochs: int, grace_period: int, reduction_factor: int) -> tuple[int, ...]:
    """Return the epochs at which trials pause: grace_period * reduction_factor^k < max_epochs."""
    epochs = []
    epoch = grace_period
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= reduction_factor
    return tuple(epochs)


def simulate_promotion(
    epochs: tuple[int, ...], reduction_factor: int, max_epochs: int, qualities: list[float]
) -> list[int]:
    """Return the epochs that each trial trains on one worker, in one bracket.

    Args:
        epochs: Epochs of the rungs, ascending.
        reduction_factor: Of the trials at a rung, one in this many is promoted.
        max_epochs: Epochs of a trial that is promoted from every rung.
        qualities: Value of each trial at all epochs.
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
