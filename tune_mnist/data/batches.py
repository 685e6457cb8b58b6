"""Batches of shared images, gathered by index and prepared on the device."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad


def to_tensor(array: NDArray[Any] | Tensor) -> Tensor:
    """Convert an array, which may be read-only, to a tensor that shares its memory.

    Args:
        array: Array to convert. A tensor is returned unchanged.
    """
    if isinstance(array, Tensor):
        return array
    with warnings.catch_warnings():
        # Arrays in Ray's object store are read-only. The tensors are never written to.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def prepare_batch(
    pixels: Tensor, size: int, resize: bool, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Convert raw pixels to the input of a network.

    Args:
        pixels: Images, uint8 (B, H, H) or (B, H, H, C), on any device.
        size: Side length of the result in pixels.
        resize: Whether to enlarge smaller images bilinearly. If False, they are padded with zeros
            on all sides. Larger images are always reduced.
        dtype: Floating-point type of the result.

    Returns:
        Images (B, C, size, size) in [0, 1] on the same device. Grey images have one channel.
    """
    grey = pixels.ndim == 3
    images = (pixels.unsqueeze(1) if grey else pixels.permute(0, 3, 1, 2)).to(dtype).div_(255)
    missing = size - images.shape[-1]
    if missing == 0:
        return images
    if missing < 0:
        return interpolate(images, (size, size), mode="bilinear", antialias=True)
    if resize:
        return interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    before, after = missing // 2, missing - missing // 2
    return pad(images, (before, after, before, after))


class Batches:
    """Iterable over batches of selected images. Each iteration yields the batches of one epoch.

    On the CPU only the images of the current batch are copied. On a GPU all images are moved to
    the device once (47 MB for MNIST) and gathered there.

    The last batch may be smaller. With shuffling, a last batch of a single image is dropped,
    because batch norm cannot train on it.

    Args:
        images: Images, uint8 (N, H, H) or (N, H, H, C).
        labels: Labels, int64 (N,).
        indices: Indices of the images to use, int64.
        batch_size: Images per batch, at least 1.
        size: Side length of the prepared images in pixels.
        resize: Whether to enlarge smaller images. If False, they are padded with zeros.
        device: Device on which batches are gathered and prepared.
        shuffle: Generator for shuffling the images before each epoch. If None, the order of
            ``indices`` is kept.
        channels_last: Whether to return the images in channels_last memory format.

    Attributes:
        size: Side length of the prepared images in pixels.
        batch_size: Images per batch. The last batch of an epoch may be smaller.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        indices: Tensor,
        batch_size: int,
        *,
        size: int,
        resize: bool,
        device: torch.device,
        shuffle: torch.Generator | None = None,
        channels_last: bool = False,
    ) -> None:
        self.size = size
        self._images, self._labels = images.to(device), labels.to(device)
        self._indices = indices.to(device)
        self.batch_size = batch_size
        self._resize = resize
        self._shuffle = shuffle
        self._format = torch.channels_last if channels_last else torch.contiguous_format

    def __len__(self) -> int:
        return -(-self.num_images // self.batch_size)

    @property
    def num_images(self) -> int:
        """Number of images per epoch."""
        count = len(self._indices)
        lonely = self._shuffle is not None and count > 1 and count % self.batch_size == 1
        return count - lonely

    def order(self) -> Tensor:
        """Return the image indices of the next epoch in training order, int64, on the device."""
        order = self._indices
        if self._shuffle is not None:
            chosen = torch.randperm(len(order), generator=self._shuffle).to(order.device)
            order = order[chosen]
        return order[: self.num_images]

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images, float32 (B, C, size, size), and labels, int64 (B,), of a batch.

        Args:
            indices: Indices into all images, int64 (B,).
        """
        images = prepare_batch(self._images.index_select(0, indices), self.size, self._resize)
        return images.contiguous(memory_format=self._format), self._labels[indices]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the images, float32 (B, C, size, size), and labels, int64 (B,), of each batch."""
        for batch in torch.split(self.order(), self.batch_size):
            yield self.gather(batch)
