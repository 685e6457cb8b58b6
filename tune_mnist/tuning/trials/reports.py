"""Keys of the reports that a trial sends to the driver."""

from typing import Any

NUMBER = "number"
"""Key of a configuration: number of the trial in the study, the same after every restart."""

METRIC = "val_accuracy"
TIME_ATTR = "epoch"

OBJECTIVES = {METRIC: "max", "parameters": "min", "train_seconds": "min"}
"""Direction of each objective that a search can have."""

REASON = "reason"
"""Reason for the early end of a trial; only in its last report."""

DIVERGED = "diverged"
WARNING = "warning"
DISK_FULL = "disk_full"
"""The disk was full when the trial wrote a checkpoint, so the whole search stops."""

STORAGE_LOST = "storage_lost"
"""The bucket of the checkpoints could not be reached, so the whole search stops."""


def ended_early(reason: str, *, diverged: bool = False) -> dict[str, Any]:
    """Return the last report of a trial that cannot continue.

    Args:
        reason: One-line message for the user.
        diverged: Whether the loss became NaN or infinite.
    """
    return {REASON: reason, DIVERGED: diverged, "done": True}
