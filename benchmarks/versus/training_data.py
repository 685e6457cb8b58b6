"""Batches of the plain contestants: prepared image by image, or kept in memory as tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.sample_dataset import SampleDataset
from tune_mnist.data import DataSplit, load_dataset, prepare_batch, split_dataset, to_tensor

MODEL = "lenet"
SIZE = 32
VAL_BATCH = 1024

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class Batches(Protocol):
    """Batches of one epoch: pairs of images and labels."""

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class TrialData:
    """Data of a trial.

    Attributes:
        train: Training batches, shuffled for each epoch.
        val: Validation batches.
        num_classes: Number of classes.
    """

    train: Batches
    val: Batches
    num_classes: int


@dataclass(frozen=True)
class Prepared:
    """All images as input of the network, and their labels.

    Attributes:
        train_images: Training images (N, C, SIZE, SIZE) in [0, 1].
        train_labels: Labels of the training images.
        val_images: Validation images.
        val_labels: Labels of the validation images.
        num_classes: Number of classes.
    """

    train_images: Images
    train_labels: Labels
    val_images: Images
    val_labels: Labels
    num_classes: int

    def batches(self, batch_size: int) -> TrialData:
        """Return the batches of a trial, which share the memory of the images."""
        train = TensorBatches(self.train_images, self.train_labels, batch_size, shuffle=True)
        val = TensorBatches(self.val_images, self.val_labels, VAL_BATCH, shuffle=False)
        return TrialData(train, val, self.num_classes)


class TensorBatches:
    """Batches gathered from tensors in memory.

    Args:
        images: Prepared images.
        labels: Labels of the images.
        batch_size: Images per batch.
        shuffle: Whether to shuffle the images for each epoch.
    """

    def __init__(self, images: Images, labels: Labels, batch_size: int, *, shuffle: bool) -> None:
        self._images, self._labels = to_tensor(images), to_tensor(labels)
        self._batch_size = batch_size
        self._shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self._labels) // self._batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self._labels)) if self._shuffle else None
        for start in range(0, len(self._labels), self._batch_size):
            here = slice(start, start + self._batch_size)
            chosen = here if order is None else order[here]
            yield self._images[chosen], self._labels[chosen]


def data_loaders(dataset: str, data_dir: Path | None, batch_size: int) -> TrialData:
    """Load a data set, and return PyTorch's DataLoader for its training and validation images.

    Args:
        dataset: Name of the data set.
        data_dir: Folder of its files, or None to load them from the cache.
        batch_size: Training images per batch.
    """
    data = _load(dataset, data_dir)
    train = SampleDataset(data, data.train, MODEL, SIZE)
    val = SampleDataset(data, data.val, MODEL, SIZE)
    return TrialData(
        DataLoader(train, batch_size=batch_size, shuffle=True),
        DataLoader(val, batch_size=VAL_BATCH),
        data.num_classes,
    )


def prepare_all(dataset: str, data_dir: Path | None) -> Prepared:
    """Load a data set, and convert all its images to the input of the network.

    Args:
        dataset: Name of the data set.
        data_dir: Folder of its files, or None to load them from the cache.
    """
    data = _load(dataset, data_dir)

    def images(indices: NDArray[np.int64]) -> Images:
        pixels = to_tensor(data.images[indices])
        prepared: Images = prepare_batch(pixels, SIZE, resize=False).numpy()
        return prepared

    return Prepared(
        *(images(data.train), data.labels[data.train]),
        *(images(data.val), data.labels[data.val]),
        data.num_classes,
    )


def _load(dataset: str, data_dir: Path | None) -> DataSplit:
    return split_dataset(load_dataset(dataset, data_dir))
