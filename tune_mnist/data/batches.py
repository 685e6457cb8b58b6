"""Batches gathered by index from the shared images, made ready on the device."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad


def to_tensor(array: NDArray[Any] | Tensor) -> Tensor:
    """Return a tensor over the array's own memory, also if that is read-only.

    What is a tensor already comes back as it is, from wherever it lies.
    """
    if isinstance(array, Tensor):
        return array
    with warnings.catch_warnings():
        # Arrays mapped from an object store are read-only, and nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def prepare_batch(
    pixels: Tensor, size: int, resize: bool, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Turn raw pixels into a network's input.

    Args:
        pixels: uint8 (B, H, H), or (B, H, H, C) with channels, on any device.
        size: Side of the result in pixels.
        resize: Whether to enlarge smaller images, bilinearly; False: pad them with zeros on all
            sides. Larger ones are reduced in any case.
        dtype: Floating-point type of the result.

    Returns:
        (B, C, size, size) in [0, 1], on the same device; grey images have one channel.
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
    """Iterates over some of the images, in batches; once through is one epoch.

    On the CPU only the images of one batch are ever copied; on a GPU the whole set is moved there
    once (47 MB for MNIST), and gathered from there.

    The last batch may be smaller. When shuffling, a last batch of a single image is left out:
    batch norm cannot train on it.

    Args:
        images: uint8 (N, H, H), or (N, H, H, C) with channels.
        labels: int64 (N,).
        indices: int64, which images to go through.
        batch_size: images in a batch.
        size: side of the prepared images in pixels.
        resize: stretch (True) or pad (False) to that size.
        device: where batches are gathered and prepared.
        shuffle: source of a new order each epoch; None: in the order of ``indices``.
        channels_last: give the images in that memory format.

    Attributes:
        size: side of the prepared images in pixels.
        batch_size: images in a batch; the last one of an epoch may have fewer.
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
        """How many images an epoch goes through."""
        count = len(self._indices)
        lonely = self._shuffle is not None and count > 1 and count % self.batch_size == 1
        return count - lonely

    def order(self) -> Tensor:
        """Return int64 indices of an epoch's images, on the device, shuffled if so asked."""
        order = self._indices
        if self._shuffle is not None:
            chosen = torch.randperm(len(order), generator=self._shuffle).to(order.device)
            order = order[chosen]
        return order[: self.num_images]

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return images float32 (B, C, size, size) and labels int64 (B,) at int64 indices (B,)."""
        images = prepare_batch(self._images.index_select(0, indices), self.size, self._resize)
        return images.contiguous(memory_format=self._format), self._labels[indices]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images float32 (B, C, size, size) and labels int64 (B,), on the device."""
        for batch in torch.split(self.order(), self.batch_size):
            yield self.gather(batch)
