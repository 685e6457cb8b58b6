"""Where the time of a search goes: into its start, into training, between epochs, and its end."""

from collections.abc import Mapping
from dataclasses import dataclass

Epoch = tuple[int, int]
"""Number of a trial, and of one of its epochs."""


@dataclass(frozen=True)
class TimeShares:
    """The time that the workers of a search had, in seconds of a worker.

    Attributes:
        start: until the first epoch began.
        training: within epochs, validation included.
        between: while a worker waited, and there was or would be something for it to do; epochs
            that diverged are in it, too.
        tail: after a worker's last epoch, while other workers trained the last trials.
        end: after the last epoch.
    """

    start: float
    training: float
    between: float
    tail: float
    end: float

    def __str__(self) -> str:
        total = sum(vars(self).values())
        parts = (
            f"{name} {seconds:.1f} ({seconds / total:.1%})" for name, seconds in vars(self).items()
        )
        return f"{total:.1f} seconds of a worker: {', '.join(parts)}"


def time_shares(
    ends: Mapping[Epoch, float],
    lengths: Mapping[Epoch, float],
    workers: int,
    started: float,
    ended: float,
) -> TimeShares:
    """Divide the time of a search.

    Args:
        ends: when each epoch ended, in seconds of any clock; one at least.
        lengths: how many seconds each epoch took.
        workers: how many epochs can be trained at a time.
        started: when the search's command was, by the same clock.
        ended: when it had ended.
    """
    first = min(end - lengths[epoch] for epoch, end in ends.items())
    training = sum(lengths[epoch] for epoch in ends)
    last_of_trial: dict[int, float] = {}
    for (trial, _), end in ends.items():
        last_of_trial[trial] = max(end, last_of_trial.get(trial, end))
    # A worker that finds no trial any more has ended one of the trials that ended last.
    last, *others = sorted(last_of_trial.values(), reverse=True)[:workers]
    without_trial = [first] * (workers - 1 - len(others))
    tail = sum(last - each for each in (*others, *without_trial))
    return TimeShares(
        start=workers * (first - started),
        training=training,
        between=workers * (last - first) - training - tail,
        tail=tail,
        end=workers * (ended - last),
    )
