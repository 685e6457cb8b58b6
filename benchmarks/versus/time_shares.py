"""Shares of a search's time: start, training, time between epochs, and end."""

from collections.abc import Mapping
from dataclasses import dataclass

Epoch = tuple[int, int]
"""Number of a trial and number of its epoch."""


@dataclass(frozen=True)
class TimeShares:
    """Total time of the workers of a search, in worker seconds.

    Attributes:
        start: Time until the start of the first epoch.
        training: Time within epochs, including validation.
        between: Time that workers waited although trials remained, including diverged epochs.
        tail: Time after a worker's last epoch while other workers trained the last trials.
        end: Time after the last epoch.
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
    """Divide the time of a search into shares.

    Args:
        ends: End time of each epoch, in seconds of any clock; at least one epoch.
        lengths: Duration of each epoch in seconds.
        workers: Number of concurrent trials.
        started: Start of the search's command, by the same clock.
        ended: End of the search's command.
    """
    first = min(end - lengths[epoch] for epoch, end in ends.items())
    training = sum(lengths[epoch] for epoch in ends)
    last_of_trial: dict[int, float] = {}
    for (trial, _), end in ends.items():
        last_of_trial[trial] = max(end, last_of_trial.get(trial, end))
    # Workers that are idle at the end trained the trials that ended last.
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
