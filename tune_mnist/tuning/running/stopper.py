"""When the whole search had better stop."""

from typing import Any

from ray.tune import Stopper

from tune_mnist.tuning.setup import Ending
from tune_mnist.tuning.trials.reports import DISK_FULL, STORAGE_LOST

_ENDINGS = {DISK_FULL: Ending.DISK_FULL, STORAGE_LOST: Ending.STORAGE_LOST}


class CheckpointStopper(Stopper):
    """Ends the search once a trial could not write or read its checkpoint.

    The trials are left unfinished, not failed: with room on the disk they can be resumed.

    Attributes:
        reason: where there is no room, or why there is no storage; empty as long as all is well.
        ending: which of them it is.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.ending = Ending.DISK_FULL

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Look at a report; never stops just the one trial."""
        for key, ending in _ENDINGS.items():
            if key in result and not self.reason:
                self.reason, self.ending = result[key], ending
        return False

    def stop_all(self) -> bool:
        """Tell whether the search is to end."""
        return bool(self.reason)
