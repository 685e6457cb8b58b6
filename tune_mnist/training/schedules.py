"""How the learning rate changes while a configuration is trained."""

import math

from tune_mnist.errors import unknown

SCHEDULES = ("constant", "cosine", "onecycle")

WARM_UP_SHARE = 0.3
START_FACTOR = 1 / 25
"""Share of the largest learning rate at the first step of onecycle, as in PyTorch's OneCycleLR."""


def learning_rate(schedule: str, lr: float, progress: float) -> float:
    """Return the learning rate at a point of the training.

    Args:
        schedule: constant, or cosine: down to zero along half a cosine (Loshchilov, Hutter,
            "SGDR", ICLR 2017, equation 5, without restarts), or onecycle: up from a 25th along
            half a cosine for 30 % of the training, then down to zero (Smith, Topin,
            "Super-Convergence", 2019; momentum stays as it is).
        lr: The largest.
        progress: share of all batches of all epochs that have been trained on, 0 to 1.

    Raises:
        UserError: there is no schedule of that name.
    """
    match schedule:
        case "constant":
            return lr
        case "cosine":
            return lr * _falling(progress)
        case "onecycle" if progress < WARM_UP_SHARE:
            rising = 1 - _falling(progress / WARM_UP_SHARE)
            return lr * (START_FACTOR + (1 - START_FACTOR) * rising)
        case "onecycle":
            return lr * _falling((progress - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))
        case _:
            raise unknown("lr_schedule", schedule, SCHEDULES)


def _falling(share: float) -> float:
    """Return half a cosine, from 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * share)) / 2
