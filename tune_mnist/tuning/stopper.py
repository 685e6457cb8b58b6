"""When the whole search had better stop."""

from typing import Any

from ray.tune import Stopper

from tune_mnist.tuning.reports import DISK_FULL


class DiskFullStopper(Stopper):
    """Ends the search once a trial could not write its checkpoint.

    The trials are left unfinished, not failed: with room on the disk they can be resumed.

    Attributes:
        reason: where there is no room; empty as long as there is.
    """

    def __init__(self) -> None:
        self.reason = ""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Look at a report; never stops just the one trial."""
        self.reason = self.reason or result.get(DISK_FULL, "")
        return False

    def stop_all(self) -> bool:
        """Tell whether the search is to end."""
        return bool(self.reason)
