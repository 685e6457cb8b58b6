"""The ladder of one bracket of ASHA: who stands at which rung, who climbs, who never will."""

import bisect
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Standing(NamedTuple):
    """A trial that waits at a rung.

    Attributes:
        epoch: of the rung.
        value: of the trial there; the higher the better.
        number: of the trial.
        loss: Training loss of the trial there; decides between equal values.
    """

    epoch: int
    value: float
    number: int
    loss: float = 0.0

    @property
    def urgency(self) -> tuple[int, float, float, int]:
        """Sort key of promotion: highest rung, highest value, lowest loss, lowest number."""
        return self.epoch, self.value, -self.loss, -self.number


class Rungs:
    """Which trials have reached which rung, and which of them have been promoted from it.

    Holds no order of events: the same values in any order make the same rungs.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020,
    Algorithm 2.

    Args:
        epochs: of the rungs, ascending.
        reduction_factor: of the trials at a rung, one in this many is promoted.
        num_trials: how many trials there will be at most.

    Attributes:
        num_trials: the same; fewer once ``close`` has been called.
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
            value: What is compared, the higher the better; NaN is worse than any number.
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
        """Let a trial climb from where it stands; nothing happens if it stands nowhere."""
        for values, promoted in zip(self._values, self._promoted, strict=True):
            if number in values:
                promoted.add(number)

    def end(self, number: int) -> None:
        """Note that a trial will not go on; it keeps its places in the ranking."""
        self._ended.add(number)

    def close(self) -> None:
        """Note that no further trial will come."""
        self.num_trials = len(self._known)

    def stands(self, number: int) -> bool:
        """Tell whether a trial waits at a rung."""
        return any(self._stands_at(rung, number) for rung in range(len(self._epochs)))

    def standing(self) -> Iterator[Standing]:
        """Yield the trials that wait at a rung."""
        for rung in range(len(self._epochs)):
            yield from self._standing_at(rung, list(self._values[rung]))

    def promotable(self) -> Iterator[Standing]:
        """Yield the waiting trials that are among the best 1/reduction_factor at their rung."""
        for rung, ranking in enumerate(self._ranking):
            best = ranking[: len(ranking) // self._reduction_factor]
            yield from self._standing_at(rung, (number for *_, number in best))

    def hopeless(self, spare_best: bool) -> set[int]:
        """Return the waiting trials that can never become promotable, whatever is still to come.

        A trial's rank only worsens, so it has no hope once it is outside the best
        1/reduction_factor of all that may ever reach its rung. That may be more than
        num_trials / reduction_factor^k: ASHA also promotes those who looked good too early.

        Args:
            spare_best: leave out the best waiting trial of each rung.
        """
        hopeless: set[int] = set()
        reaching = max(self.num_trials, len(self._known)) - self._lost(self._known, 0)
        for rung in range(len(self._epochs)):
            promoted = self._promoted[rung]
            standing = self._values[rung].keys() - promoted - self._ended
            worst = self._ranking[rung][reaching // self._reduction_factor :]
            doomed = [number for *_, number in worst if number in standing]
            if spare_best and len(doomed) == len(standing):
                doomed = doomed[1:]
            hopeless.update(doomed)
            still_coming = reaching - len(self._ranking[rung])
            reaching = still_coming + len(standing) - len(doomed) + len(promoted)
            reaching -= self._lost(promoted, rung + 1)
        return hopeless

    def __str__(self) -> str:
        return " | ".join(
            f"epoch {epoch}: {len(values)} reached, {len(promoted)} promoted"
            for epoch, values, promoted in zip(
                self._epochs, self._values, self._promoted, strict=True
            )
        )

    def _stands_at(self, rung: int, number: int) -> bool:
        here = number in self._values[rung] and number not in self._promoted[rung]
        return here and number not in self._ended

    def _standing_at(self, rung: int, numbers: Iterable[int]) -> Iterator[Standing]:
        for number in numbers:
            if self._stands_at(rung, number):
                values, losses = self._values[rung], self._losses[rung]
                yield Standing(self._epochs[rung], values[number], number, losses[number])

    def _lost(self, numbers: set[int], rung: int) -> int:
        """Count those that ended on their way to a rung."""
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
