"""Creation of the batches that a network is trained or evaluated on."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tune_mnist.data import Batches, to_tensor
from tune_mnist.models import get_architecture
from tune_mnist.training.config import TrainConfig
from tune_mnist.training.precision import Compute

EVALUATION_PIXELS = 64 * 224 * 224
"""Maximum pixels per evaluation batch, so that VGGNet's widest feature maps take under 2 GiB."""

MAX_EVALUATION_BATCH = 1024


def create_batches(
    config: TrainConfig,
    images: NDArray[np.uint8] | Tensor,
    labels: NDArray[np.int64] | Tensor,
    indices: NDArray[np.int64],
    compute: Compute,
    shuffle: torch.Generator | None = None,
) -> Batches:
    """Create batches of selected images that are resized to the input size of the network.

    Args:
        config: Configuration that specifies the network, the image size and the training batch
            size.
        images: Images, uint8 (N, S, S) or (N, S, S, C). Tensors that are already on the device are
            shared, not copied.
        labels: Labels, int64 (N,).
        indices: Indices of the images to use, in this order, int64.
        compute: Device to prepare the batches on, and number format.
        shuffle: Generator that shuffles the training images before each epoch. If None, the given
            order is kept and batches are large, which suits evaluation.
    """
    architecture = get_architecture(config.model)
    size = architecture.input_size(config.image_size)
    # A batch is resized on the device, so memory must suffice for the larger of both sizes.
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
    """Return the batch size for evaluation, small enough that the feature maps fit into memory.

    Args:
        image_size: Side length of the images in pixels.
    """
    return max(1, min(MAX_EVALUATION_BATCH, EVALUATION_PIXELS // image_size**2))
