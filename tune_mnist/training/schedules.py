"""How the learning rate changes while a configuration is trained."""

import math

from tune_mnist.errors import unknown

SCHEDULES = ("constant", "cosine")


def learning_rate(schedule: str, lr: float, progress: float) -> float:
    """Return the learning rate at a point of the training.

    Args:
        schedule: constant, or cosine: down to zero along half a cosine (Loshchilov, Hutter,
            "SGDR", ICLR 2017, equation 5, without restarts).
        lr: at the beginning.
        progress: share of all batches of all epochs that have been trained on, 0 to 1.

    Raises:
        UserError: there is no schedule of that name.
    """
    match schedule:
        case "constant":
            return lr
        case "cosine":
            return lr * (1 + math.cos(math.pi * progress)) / 2
        case _:
            raise unknown("lr_schedule", schedule, SCHEDULES)
