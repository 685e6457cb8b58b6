"""What an epoch of training gave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochMetrics:
    """What one epoch gave.

    Attributes:
        epoch: number of epochs trained so far, from 1.
        train_loss: mean cross-entropy over the epoch's training images, as they were seen.
        train_accuracy: share of them classified right, as they were seen.
        val_loss: mean cross-entropy over the validation part after the epoch, NaN without one.
        val_accuracy: share of the validation part classified right after the epoch, NaN without
            one.
        epoch_seconds: wall time of the epoch, validation included.
        train_seconds: sum of the wall time of all epochs so far.
        images_per_second: training images a second, validation not included.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    epoch_seconds: float
    train_seconds: float
    images_per_second: float
