"""Limit on the disk space that the checkpoints of paused trials take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial

from tune_mnist.training import CheckpointFolder
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.reports import NUMBER

FREE_BYTES = 500_000_000
"""Disk space in bytes that the checkpoints of paused trials may always take."""


class DiskBudget(StatelessCallback):
    """Callback that removes checkpoints of paused trials if they exceed a disk budget.

    Promotion ASHA leaves many paused trials. Each has its own checkpoint, whose size is 1.5 GB for
    VGG with Adam. The budget for the checkpoints of all paused trials is half the size of the
    largest checkpoint, or ``free_bytes`` if that is more. Trials with the fewest epochs lose their
    checkpoints first, and among these the trials with the lowest accuracy. If such a trial is
    promoted, it is trained again from its first epoch, which gives the same weights if training is
    deterministic.

    In addition to the budget, the disk holds at most one checkpoint of each running trial, one
    checkpoint that is being written, and the best weights.

    Args:
        checkpoints_of: Function from the number of a trial to the checkpoints of the trial.
        trial_store: Records of all trials.
        free_bytes: Minimum budget in bytes.
    """

    def __init__(
        self,
        checkpoints_of: Callable[[int], CheckpointFolder],
        trial_store: TrialStore,
        free_bytes: int = FREE_BYTES,
    ) -> None:
        self._checkpoints_of = checkpoints_of
        self._trial_store = trial_store
        self._free_bytes = free_bytes
        self._largest = 0
        self._sizes: dict[int, tuple[int, int]] = {}
        """Epoch and size in bytes of each trial's checkpoint."""

    def on_trial_save(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Remove checkpoints that exceed the budget. Ray calls this when a trial is paused."""
        paused = [other.config[NUMBER] for other in trials if other.status == Trial.PAUSED]
        paused.append(trial.config[NUMBER])
        sizes = {number: self._size(number) for number in paused}
        self._largest = max(self._largest, *sizes.values())
        excess = sum(sizes.values()) - max(self._free_bytes, self._largest // 2)
        # Sorting thousands of paused trials at every pause would be slow.
        if excess <= 0:
            return
        for number in self._least_urgent_first(paused):
            if excess <= 0:
                return
            self._checkpoints_of(number).remove()
            self._sizes[number] = (self._trial_store.record(number).epochs, 0)
            excess -= sizes[number]

    def _size(self, number: int) -> int:
        # The checkpoint of a paused trial does not change, so its size is read only once.
        epochs = self._trial_store.record(number).epochs
        known = self._sizes.get(number)
        if known is None or known[0] != epochs:
            known = (epochs, _folder_size(self._checkpoints_of(number).directory))
            self._sizes[number] = known
        return known[1]

    def _least_urgent_first(self, paused: list[int]) -> list[int]:
        records = [self._trial_store.record(number) for number in paused]
        records.sort(key=lambda record: (record.epochs, record.val_accuracy, -record.number))
        return [record.number for record in records]


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # replaced by a newer checkpoint of the trial
            continue
    return total
