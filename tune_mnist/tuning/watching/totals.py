"""Totals over the trials of a search."""

import functools
from collections.abc import Callable

from tune_mnist.tuning.recording.trial_record import TrialRecord, better
from tune_mnist.tuning.recording.trial_store import TrialStore


class TrialTotals:
    """Number of ended trials, total cost of their epochs, and best trial of a search.

    An ended trial does not change any more, so it is counted once. The totals of a search with
    thousands of ended trials therefore take hardly longer than those of a short one.

    Args:
        trial_store: Store of the trial records.
        cost: Function from a number of epochs to the cost of these epochs of a trial.
    """

    def __init__(self, trial_store: TrialStore, cost: Callable[[int], float]) -> None:
        self._trial_store = trial_store
        self._cost = cost
        self._ended: set[int] = set()
        self._ended_cost = 0.0
        self._best_ended: TrialRecord | None = None

    @property
    def ended(self) -> int:
        """Number of ended trials."""
        self._count_ended()
        return len(self._ended)

    @property
    def trained(self) -> float:
        """Total cost of all trained epochs."""
        still_open = self._count_ended()
        return self._ended_cost + sum(self._cost(record.epochs) for record in still_open)

    @property
    def best(self) -> TrialRecord | None:
        """Best trial by the order of ``by_rank``, or None before the first epoch."""
        still_open = self._count_ended()
        return functools.reduce(better, still_open, self._best_ended)

    def _count_ended(self) -> list[TrialRecord]:
        """Count the trials that have ended since the last call, and return those still open."""
        numbers = self._trial_store.numbers - self._ended
        records = [self._trial_store.record(number) for number in numbers]
        for record in records:
            if record.state.ended:
                self._ended.add(record.number)
                self._ended_cost += self._cost(record.epochs)
                self._best_ended = better(self._best_ended, record)
        return [record for record in records if not record.state.ended]
