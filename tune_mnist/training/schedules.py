"""Learning rate schedules."""

import math

from tune_mnist.errors import unknown

SCHEDULES = ("constant", "cosine", "onecycle")

WARM_UP_FRACTION = 0.3
"""Fraction of the training during which onecycle raises the learning rate."""

START_FACTOR = 1 / 25
"""First learning rate of onecycle relative to the maximum, as in PyTorch's OneCycleLR."""


def learning_rate(schedule: str, lr: float, progress: float) -> float:
    """Return the learning rate after a given fraction of the training.

    - ``constant``: always the maximum.
    - ``cosine``: from the maximum to zero along half a cosine (Loshchilov, Hutter, "SGDR", ICLR
      2017, equation 5, without restarts).
    - ``onecycle``: from 1/25 of the maximum to the maximum in the first 30% of the training, then
      to zero, both along half a cosine (Smith, Topin, "Super-Convergence", 2019, with constant
      momentum).

    Args:
        schedule: Name of the schedule.
        lr: Maximum learning rate.
        progress: Fraction of the training that is done, counted in batches of all epochs, from 0
            to 1.

    Raises:
        UserError: The schedule is unknown.
    """
    match schedule:
        case "constant":
            return lr
        case "cosine":
            return lr * _falling(progress)
        case "onecycle" if progress < WARM_UP_FRACTION:
            rising = 1 - _falling(progress / WARM_UP_FRACTION)
            return lr * (START_FACTOR + (1 - START_FACTOR) * rising)
        case "onecycle":
            return lr * _falling((progress - WARM_UP_FRACTION) / (1 - WARM_UP_FRACTION))
        case _:
            raise unknown("lr_schedule", schedule, SCHEDULES)


def _falling(share: float) -> float:
    """Return a factor that falls along half a cosine from 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * share)) / 2
