"""Where the time of a search goes: into its start, into training, between epochs, and its end."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeShares:
    """The time that the workers of a search had, in seconds of a worker.

    Attributes:
        start: until the first epoch began.
        training: within epochs, validation included.
        between: while a worker waited for its next epoch and others, or more trials, were to come.
        tail: after the last moment at which every worker was busy: fewer trials than workers.
        end: after the last epoch.
    """

    start: float
    training: float
    between: float
    tail: float
    end: float

    def __str__(self) -> str:
        total = self.start + self.training + self.between + self.tail + self.end
        parts = (
            f"{name} {seconds:.1f} ({seconds / total:.1%})" for name, seconds in vars(self).items()
        )
        return f"{total:.1f} seconds of a worker: {', '.join(parts)}"


def time_shares(
    epochs: Sequence[tuple[float, float]], workers: int, started: float, ended: float
) -> TimeShares:
    """Divide the time of a search.

    Args:
        epochs: when each began and ended, in seconds of any clock.
        workers: how many epochs can be trained at a time.
        started: when the search's command was.
        ended: when it had ended.
    """
    changes = sorted([(begin, 1) for begin, _ in epochs] + [(end, -1) for _, end in epochs])
    first, last = changes[0][0], changes[-1][0]
    idle = idle_when_last_busy = 0.0
    busy, before = 0, first
    for now, change in changes:
        # What is written down of an epoch's begin can lie just before the end of the one before.
        idle += max(0, workers - busy) * (now - before)
        if busy >= workers:
            idle_when_last_busy = idle
        busy, before = busy + change, now
    return TimeShares(
        start=workers * (first - started),
        training=sum(end - begin for begin, end in epochs),
        between=idle_when_last_busy,
        tail=idle - idle_when_last_busy,
        end=workers * (ended - last),
    )
