"""Conversion of images and labels to plain arrays: normalized, flat or one-hot."""

import numpy as np
from numpy.typing import NDArray

from tune_mnist.errors import UserError


def normalise(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale pixels from 0..255 to float32 in [0, 1]. The array may have any shape."""
    return images.astype(np.float32) / np.float32(255)


def as_arrays(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    flat: bool = False,
    one_hot: bool = False,
    num_classes: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64] | NDArray[np.float32]]:
    """Convert images and labels to float arrays for plain NumPy code.

    Args:
        images: Images, uint8 (N, 28, 28).
        labels: Labels, int64 (N,).
        flat: Whether to flatten each image to a vector of 784 pixels.
        one_hot: Whether to encode each label as a one-hot vector.
        num_classes: Length of the one-hot vectors. If None, the largest label plus one is used.

    Returns:
        Images, float32 (N, 28, 28) or (N, 784) if flat, and labels, int64 (N,) or float32 (N, C)
        if one-hot.

    Raises:
        UserError: ``num_classes`` is too small for the labels.
    """
    pixels = normalise(images)
    if flat:
        pixels = pixels.reshape(len(pixels), -1)
    if not one_hot:
        return pixels, labels
    least = int(labels.max(initial=-1)) + 1
    classes = least if num_classes is None else num_classes
    if classes < least:
        raise UserError(f"num_classes must be at least {least} for these labels, but is {classes}")
    return pixels, np.eye(classes, dtype=np.float32)[labels]
