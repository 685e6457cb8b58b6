"""Training step and eager training epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn, optim
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches
from tune_mnist.training.augmentation import Augmentation
from tune_mnist.training.precision import Compute
from tune_mnist.training.weight_average import WeightAverage

OnBatch = Callable[[int], None]
"""Callback after each training batch, called with the number of images in the batch."""


class EpochTotals:
    """Running sums of loss and correct predictions over an epoch.

    The sums stay on the device, because reading a value would wait for the GPU.

    Args:
        device: Device to keep the sums on.

    Attributes:
        loss: Sum of the loss, float32 ().
        correct: Number of correctly classified images, int64 ().
    """

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), device=device, dtype=torch.int64)

    def reset(self) -> None:
        """Set both sums to zero."""
        self.loss.zero_()
        self.correct.zero_()

    def means(self, images: int) -> tuple[float, float]:
        """Return the mean loss and the accuracy of the images added so far.

        Args:
            images: Number of images that were added to the sums.
        """
        return self.loss.item() / images, self.correct.item() / images


@dataclass(frozen=True)
class TrainingStep:
    """Optimizer step on one batch, which also augments the images and adds to the totals.

    Attributes:
        model: Network in training mode, on the device.
        optimizer: Optimizer that updates the parameters of the network.
        compute: Device and number format to train with.
        loss: Function from logits, float (B, C), and labels, int64 (B,), to the mean loss.
        augment: Augmentation to apply to the images.
        clip_norm: Maximum gradient norm. If 0, gradients are not clipped.
        average: Weight average to update after each step, or None if there is none.
    """

    model: nn.Module
    optimizer: optim.Optimizer
    compute: Compute
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    augment: Augmentation = field(default_factory=Augmentation)
    clip_norm: float = 0.0
    average: WeightAverage | None = None

    def run(self, images: Tensor, labels: Tensor, totals: EpochTotals) -> None:
        """Train on a batch and add its loss and correct predictions to the totals.

        Args:
            images: Images, float32 (B, C, S, S).
            labels: Labels, int64 (B,).
            totals: Sums of the current epoch, which are updated.
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
    """Runs training epochs in PyTorch's eager mode.

    Args:
        step: Training step to run on each batch.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step
        self._totals = EpochTotals(step.compute.device)

    def run(
        self, batches: Batches, learning_rates: Sequence[float], on_batch: OnBatch | None
    ) -> tuple[float, float]:
        """Train one epoch.

        Args:
            batches: Training batches on the device of the network.
            learning_rates: Learning rate of each batch.
            on_batch: Callback after each batch, or None.

        Returns:
            Mean training loss and training accuracy, measured before each optimizer step.
        """
        self._totals.reset()
        for (images, labels), lr in zip(batches, learning_rates, strict=True):
            set_learning_rate(self._step.optimizer, lr)
            self._step.run(images, labels, self._totals)
            if on_batch is not None:
                on_batch(len(labels))
        return self._totals.means(batches.num_images)


def set_learning_rate(optimizer: optim.Optimizer, lr: float | Tensor) -> None:
    """Set the learning rate of all parameter groups of an optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = lr
