"""Outcome of a search, and the reasons why it can end."""

from dataclasses import dataclass
from enum import Enum

ENDED = "ended"
"""Study attribute that contains the value of the search's :class:`StopReason`."""


class StopReason(Enum):
    """Reason why a search ended. The value is a text for the user."""

    FINISHED = "all trials have ended"
    EXHAUSTED = "all configurations of the search space have been tried"
    OUT_OF_TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"
    DISK_FULL = "stopped, the disk is full"
    TARGET_REACHED = "the target accuracy was reached"
    NO_IMPROVEMENT = "no improvement for as many trials as --patience allows"
    STORAGE_LOST = "stopped, the checkpoint storage cannot be reached"

    @property
    def in_order(self) -> bool:
        """Whether the search ended as planned, so that the final evaluation follows."""
        return self in (
            StopReason.FINISHED,
            StopReason.EXHAUSTED,
            StopReason.OUT_OF_TIME,
            StopReason.TARGET_REACHED,
            StopReason.NO_IMPROVEMENT,
        )


@dataclass(frozen=True)
class Outcome:
    """Outcome of a search. The results themselves are in the results folder.

    Attributes:
        stop_reason: Reason why the search ended.
        detail: Message with details of the reason. It may be empty.
        failed_final_runs: One-line message for each final run that failed.
        final_runs: Finished and planned final runs if the final evaluation was cut off, or None.
        is_unchanged: Whether nothing was left to do, so that no file has been written.
    """

    stop_reason: StopReason
    detail: str = ""
    failed_final_runs: tuple[str, ...] = ()
    final_runs: tuple[int, int] | None = None
    is_unchanged: bool = False
