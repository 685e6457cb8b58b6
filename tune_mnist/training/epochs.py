"""The training step, and an epoch of such steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn, optim
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches
from tune_mnist.training.augmentation import Augmentation
from tune_mnist.training.precision import Compute
from tune_mnist.training.weight_average import WeightAverage

OnBatch = Callable[[int], None]
"""Called after each training batch with the number of its images."""


class EpochTotals:
    """Sums over the training images of an epoch.

    They stay on the device: reading one makes a GPU finish all work that is queued.

    Args:
        device: Device of the sums.

    Attributes:
        loss: Sum of the loss, float32 ().
        correct: Number of images classified right, int64 ().
    """

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), device=device, dtype=torch.int64)

    def reset(self) -> None:
        """Set both sums to zero."""
        self.loss.zero_()
        self.correct.zero_()

    def means(self, images: int) -> tuple[float, float]:
        """Return mean loss and accuracy over that many images."""
        return self.loss.item() / images, self.correct.item() / images


class Epochs(Protocol):
    """A way to run training epochs."""

    def run(
        self, batches: Batches, learning_rates: Sequence[float], on_batch: OnBatch | None
    ) -> tuple[float, float]:
        """Train one epoch.

        Args:
            batches: Training batches, on the device.
            learning_rates: Learning rate of each batch.
            on_batch: Called after each batch.

        Returns:
            Mean training loss and training accuracy, as the images were seen.
        """


@dataclass(frozen=True)
class TrainingStep:
    """One optimizer step on a batch.

    Attributes:
        model: Network in training mode, on the device.
        optimizer: Optimizer over its parameters.
        compute: Device and number format.
        loss: Mean loss of logits, float (B, C), for labels, int64 (B,).
        augment: Random changes of the images.
        clip_norm: Largest norm of the gradient; 0: any.
        average: Average of the weights, updated after each step; None: there is none.
    """

    model: nn.Module
    optimizer: optim.Optimizer
    compute: Compute
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    augment: Augmentation = field(default_factory=Augmentation)
    clip_norm: float = 0.0
    average: WeightAverage | None = None

    def run(self, images: Tensor, labels: Tensor, totals: EpochTotals) -> None:
        """Train on a batch and add it to the totals.

        Args:
            images: float32 (B, C, S, S).
            labels: int64 (B,).
            totals: Sums of the epoch.
        """
        images = self.augment(images)
        with self.compute.autocast():
            logits = self.model(images)
            loss = self.loss(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update()
        totals.loss += loss.detach() * len(labels)
        totals.correct += (logits.detach().argmax(1) == labels).sum()


class EagerEpochs:
    """Runs each training step as PyTorch does by default, kernel by kernel.

    Args:
        step: Training step.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step
        self._totals = EpochTotals(step.compute.device)

    def run(
        self, batches: Batches, learning_rates: Sequence[float], on_batch: OnBatch | None
    ) -> tuple[float, float]:
        """Train one epoch; see :class:`Epochs`."""
        self._totals.reset()
        for (images, labels), lr in zip(batches, learning_rates, strict=True):
            set_learning_rate(self._step.optimizer, lr)
            self._step.run(images, labels, self._totals)
            if on_batch is not None:
                on_batch(len(labels))
        return self._totals.means(batches.num_images)


def set_learning_rate(optimizer: optim.Optimizer, lr: float | Tensor) -> None:
    """Give all of the optimizer's parameters one learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
