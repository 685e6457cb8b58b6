"""Metrics of one training epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochMetrics:
    """Metrics of one training epoch.

    Attributes:
        epoch: Number of epochs trained so far, starting at 1.
        train_loss: Mean training loss over the epoch, measured before each optimizer step.
        train_accuracy: Training accuracy over the epoch, measured before each optimizer step.
        val_loss: Mean cross-entropy on the validation split after the epoch. NaN if there is no
            validation split.
        val_accuracy: Accuracy on the validation split after the epoch. NaN if there is no
            validation split.
        epoch_seconds: Wall time of the epoch in seconds, including validation.
        train_seconds: Total wall time of all epochs so far in seconds.
        images_per_second: Training images per second, excluding validation.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    epoch_seconds: float
    train_seconds: float
    images_per_second: float
