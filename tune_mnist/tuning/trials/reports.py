"""Keys of the reports that a trial sends to the driver."""

from typing import Any

NUMBER = "number"
"""Key of the trial number in a trial's configuration.

The number identifies the trial in the study and stays the same when a search is resumed.
"""

METRIC = "val_accuracy"
TIME_ATTR = "epoch"

OBJECTIVES = {METRIC: "max", "parameters": "min", "train_seconds": "min"}
"""Objectives that a search can have, each with its direction."""

REASON = "reason"
"""Key of the reason why a trial ended early. Only the last report of the trial contains it."""

DIVERGED = "diverged"
WARNING = "warning"
DISK_FULL = "disk_full"
"""Key of a message that the disk is full. A report with this key stops the whole search."""

STORAGE_LOST = "storage_lost"
"""Key of a message that the bucket with the checkpoints cannot be reached.

A report with this key stops the whole search.
"""


def ended_early(reason: str, *, diverged: bool = False) -> dict[str, Any]:
    """Create the last report of a trial that cannot continue.

    Args:
        reason: One-line message for the user that states why the trial ended.
        diverged: Whether the trial ended because the loss became NaN or infinite.
    """
    return {REASON: reason, DIVERGED: diverged, "done": True}
