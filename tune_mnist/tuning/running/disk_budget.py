"""How much disk the checkpoints of paused trials may take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.training import CheckpointFolder
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.reports import NUMBER

FREE_BYTES = 500_000_000
"""What paused trials may take in any case."""


class DiskBudget(Callback):
    """Keeps the checkpoints of paused trials together below half of the largest one.

    A scheduler that promotes leaves trials waiting, each with a checkpoint of its own: 1.5 GB with
    VGG and Adam. A trial whose checkpoint was dropped loses nothing else: promoted, it is trained
    again from its beginning, to the same weights where training is deterministic. The first to go
    are those that have trained least, the worst of them before the others. So the disk never holds
    more than a checkpoint for each trial that runs, one being written, the best weights, and that
    half.

    Args:
        checkpoints_of: gives the checkpoints of the trial of that number.
        trial_store: the record of each trial.
        free_bytes: what they may take in any case.
    """

    def __init__(
        self,
        checkpoints_of: Callable[[int], CheckpointFolder],
        trial_store: TrialStore,
        free_bytes: int = FREE_BYTES,
    ) -> None:
        self._checkpoints_of = checkpoints_of
        self._ledger = trial_store
        self._free_bytes = free_bytes
        self._largest = 0
        self._sizes: dict[int, tuple[int, int]] = {}
        """Of the checkpoint of a trial: the epoch, and bytes."""

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; nothing of this one is needed.
        return {}

    def on_trial_save(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Make room if need be: Ray asks a trial to save for no other reason than to pause it."""
        paused = [other.config[NUMBER] for other in trials if other.status == Trial.PAUSED]
        paused.append(trial.config[NUMBER])
        sizes = {number: self._size(number) for number in paused}
        self._largest = max(self._largest, *sizes.values())
        excess = sum(sizes.values()) - max(self._free_bytes, self._largest // 2)
        for number in self._least_urgent_first(paused):
            if excess <= 0:
                return
            self._checkpoints_of(number).remove()
            self._sizes[number] = (self._ledger.record(number).epochs, 0)
            excess -= sizes[number]

    def _size(self, number: int) -> int:
        # Nobody writes into the folder of a paused trial: it is looked at once.
        epochs = self._ledger.record(number).epochs
        known = self._sizes.get(number)
        if known is None or known[0] != epochs:
            known = (epochs, _folder_size(self._checkpoints_of(number).directory))
            self._sizes[number] = known
        return known[1]

    def _least_urgent_first(self, paused: list[int]) -> list[int]:
        records = [self._ledger.record(number) for number in paused]
        records.sort(key=lambda record: (record.epochs, record.val_accuracy, -record.number))
        return [record.number for record in records]


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # its trial is writing the next one
            continue
    return total
