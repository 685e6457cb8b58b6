"""Totals over the trials of a search."""

from collections.abc import Callable

from tune_mnist.tuning.recording.trial_record import TrialRecord, best_record, has_learned
from tune_mnist.tuning.recording.trial_store import TrialStore


class TrialTotals:
    """Number of ended trials, total cost of the epochs, and best trial of a search.

    ``update`` counts each ended trial once, since it does not change any more.

    Args:
        trial_store: Store of the trial records.
        cost: Function from a number of epochs to the cost of these epochs of a trial.
        chance_level: Validation accuracy that a network must exceed to count as having learned.

    Attributes:
        trained: Total cost of the trained epochs of all trials.
        best: Best trial by the order of ``by_rank``, or None before the first epoch.
        learned: Whether a trial has been better than guessing.
    """

    def __init__(
        self, trial_store: TrialStore, cost: Callable[[int], float], chance_level: float
    ) -> None:
        self._trial_store = trial_store
        self._cost = cost
        self._chance_level = chance_level
        self.learned = False
        self._ended: set[int] = set()
        self._ended_cost = 0.0
        self._best_ended: TrialRecord | None = None
        self.update()

    @property
    def ended(self) -> int:
        """Number of ended trials."""
        return len(self._ended)

    def update(self) -> None:
        """Update the totals from the records of the trials."""
        numbers = self._trial_store.numbers - self._ended
        records = [self._trial_store.record(number) for number in numbers]
        ended = [record for record in records if record.state.ended]
        unfinished = [record for record in records if not record.state.ended]
        self.learned = self.learned or has_learned(records, self._chance_level)
        self._ended.update(record.number for record in ended)
        self._ended_cost += sum(self._cost(record.epochs) for record in ended)
        if self._best_ended is not None:
            ended.append(self._best_ended)
        self._best_ended = best_record(ended)
        self.trained = self._ended_cost + sum(self._cost(record.epochs) for record in unfinished)
        self.best = best_record([*ended, *unfinished])
