"""What ended a search."""

from dataclasses import dataclass
from enum import Enum

ENDED = "ended"
"""User attribute of a study: the text of the Ending of its search."""


class StopReason(Enum):
    """What ended a search."""

    FINISHED = "all trials have ended"
    OUT_OF_TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"
    DISK_FULL = "stopped, the disk is full"
    TARGET_REACHED = "the target accuracy is reached"
    NO_IMPROVEMENT = "no improvement for as many trials as --patience allows"
    STORAGE_LOST = "stopped, the storage of the checkpoints cannot be reached"

    @property
    def in_order(self) -> bool:
        """Whether the final evaluation follows: nothing is missing that somebody waits for."""
        return self in (
            StopReason.FINISHED,
            StopReason.OUT_OF_TIME,
            StopReason.TARGET_REACHED,
            StopReason.NO_IMPROVEMENT,
        )


@dataclass(frozen=True)
class Outcome:
    """How a search ended; its results are in its folder.

    Attributes:
        stop_reason: What ended it.
        detail: Details of that, or empty.
        failed_final_runs: One line for each final run that failed.
    """

    stop_reason: StopReason
    detail: str = ""
    failed_final_runs: tuple[str, ...] = ()
