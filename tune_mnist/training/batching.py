"""The batches a configuration is trained and judged on."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tune_mnist.data import Batches, to_tensor
from tune_mnist.models import get_architecture
from tune_mnist.training.config import TrainConfig
from tune_mnist.training.precision import Compute

# Without gradients nothing but the widest maps are held; this many pixels keep VGG's below 2 GiB.
EVALUATION_PIXELS = 64 * 224 * 224
LARGEST_EVALUATION_BATCH = 1024


def create_batches(
    config: TrainConfig,
    images: NDArray[np.uint8] | Tensor,
    labels: NDArray[np.int64] | Tensor,
    indices: NDArray[np.int64],
    compute: Compute,
    shuffle: torch.Generator | None = None,
) -> Batches:
    """Batch some of the images in the size and form that the configuration's network takes.

    Args:
        config: names the network, the image size and the size of a training batch.
        images: uint8 (N, S, S) or (N, S, S, C); tensors on the device are shared, not moved once
            more.
        labels: int64 (N,).
        indices: int64, which of them, in which order.
        compute: where the batches go.
        shuffle: source of a new order each epoch, for training; None: judge in the given order,
            in batches as large as memory comfortably holds.
    """
    architecture = get_architecture(config.model)
    size = architecture.input_size(config.image_size)
    # Images are resized batch by batch: large ones take the memory, whatever they become.
    largest = max(size, images.shape[1])
    return Batches(
        to_tensor(images),
        to_tensor(labels),
        to_tensor(indices),
        config.batch_size if shuffle is not None else evaluation_batch_size(largest),
        size=size,
        resize=architecture.fixed_size is None,
        device=compute.device,
        shuffle=shuffle,
        channels_last=compute.bf16,
    )


def evaluation_batch_size(image_size: int) -> int:
    """Return how many images of that side (pixels) are classified at once."""
    return max(1, min(LARGEST_EVALUATION_BATCH, EVALUATION_PIXELS // image_size**2))
