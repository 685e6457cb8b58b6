"""The training step, and an epoch of such steps."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn, optim
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches
from tune_mnist.training.precision import Compute

OnBatch = Callable[[int], None]
"""Called after each training batch with the number of its images."""


class EpochTotals:
    """Sums over the training images of an epoch.

    They stay on the device: reading one makes a GPU finish all work that is queued.

    Args:
        device: Device of the sums.

    Attributes:
        loss: Sum of the cross-entropy, float32 ().
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


class EagerEpochs:
    """Runs each training step as PyTorch does by default, kernel by kernel.

    Args:
        model: Network, on the device.
        optimizer: Optimizer over its parameters.
        compute: Device and number format.
    """

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, compute: Compute) -> None:
        self._model, self._optimizer, self._compute = model, optimizer, compute
        self._totals = EpochTotals(compute.device)

    def run(
        self, batches: Batches, learning_rates: Sequence[float], on_batch: OnBatch | None
    ) -> tuple[float, float]:
        """Train one epoch; see :class:`Epochs`."""
        self._totals.reset()
        for (images, labels), lr in zip(batches, learning_rates, strict=True):
            set_learning_rate(self._optimizer, lr)
            train_batch(self._model, self._optimizer, images, labels, self._totals, self._compute)
            if on_batch is not None:
                on_batch(len(labels))
        return self._totals.means(batches.num_images)


def train_batch(
    model: nn.Module,
    optimizer: optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    totals: EpochTotals,
    compute: Compute,
) -> None:
    """Take one optimizer step on a batch and add the batch to the totals.

    Args:
        model: Network in training mode.
        optimizer: Optimizer over its parameters.
        images: float32 (B, 1, S, S).
        labels: int64 (B,).
        totals: Sums of the epoch.
        compute: Device and number format.
    """
    with compute.autocast():
        logits = model(images)
        loss = cross_entropy(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    totals.loss += loss.detach() * len(labels)
    totals.correct += (logits.detach().argmax(1) == labels).sum()


def set_learning_rate(optimizer: optim.Optimizer, lr: float | Tensor) -> None:
    """Give all of the optimizer's parameters one learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
