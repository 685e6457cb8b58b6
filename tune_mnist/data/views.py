"""The data as plain arrays: normalised, flat, one-hot."""

import numpy as np
from numpy.typing import NDArray

from tune_mnist.errors import UserError


def normalise(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels 0..255 (any shape) as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(255)


def as_arrays(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    flat: bool = False,
    one_hot: bool = False,
    num_classes: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64] | NDArray[np.float32]]:
    """Return images and labels in the form that a plain NumPy program wants.

    Args:
        images: uint8 (N, 28, 28).
        labels: int64 (N,).
        flat: give each image as one vector of 784.
        one_hot: give each label as a vector with a single one.
        num_classes: length of that vector; None: one more than the largest label.

    Returns:
        float32 (N, 28, 28), or (N, 784) if flat; int64 (N,), or float32 (N, C) if one-hot.

    Raises:
        UserError: a label does not fit into ``num_classes``.
    """
    pixels = normalise(images)
    if flat:
        pixels = pixels.reshape(len(pixels), -1)
    if not one_hot:
        return pixels, labels
    least = int(labels.max(initial=-1)) + 1
    classes = least if num_classes is None else num_classes
    if classes < least:
        raise UserError(f"num_classes = {classes}: must be at least {least}, the labels' number")
    return pixels, np.eye(classes, dtype=np.float32)[labels]
