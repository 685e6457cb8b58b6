"""What stands in the reports that a trial sends to the driver, beside its metrics."""

from typing import Any

NUMBER = "number"
"""Key of a configuration: the trial's number in the study, its name through every restart."""

METRIC = "val_accuracy"
TIME_ATTR = "epoch"

OBJECTIVES = {METRIC: "max", "parameters": "min", "train_seconds": "min"}
"""Objectives of a search, and whether each is maximised or minimised."""

REASON = "reason"
"""Why a trial ends before its time; there only if it does."""

DIVERGED = "diverged"
WARNING = "warning"
DISK_FULL = "disk_full"
"""That a checkpoint could not be written, so the whole search had better stop."""

STORAGE_LOST = "storage_lost"
"""That the bucket of the checkpoints cannot be reached, with the same consequence."""


def ended_early(reason: str, *, diverged: bool = False) -> dict[str, Any]:
    """Return the last report of a trial that cannot go on.

    Args:
        reason: one line.
        diverged: the loss became NaN or infinite.
    """
    return {REASON: reason, DIVERGED: diverged, "done": True}
