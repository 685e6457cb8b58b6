"""A data set in memory: training and test images with their labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tune_mnist.data.idx import find_idx, read_idx
from tune_mnist.data.sources import STEMS, TORCHVISION_NAMES, obtain, own_folder
from tune_mnist.errors import UserError, unknown

SIDE = 28
DATASETS = (*TORCHVISION_NAMES, "digits")
DIGITS_MAXIMUM = 16
DIGITS_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels.

    Attributes:
        name: mnist, fashion-mnist, kmnist or digits; that of the folder if the files are the
            user's own.
        train_images: uint8 (N, 28, 28).
        train_labels: int64 (N,).
        test_images: uint8 (M, 28, 28).
        test_labels: int64 (M,).
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    @property
    def num_classes(self) -> int:
        """One more than the largest label."""
        return int(max(self.train_labels.max(), self.test_labels.max())) + 1


def load_dataset(name: str = "mnist", data_dir: Path | None = None) -> Dataset:
    """Load a data set, fetching it if it is not on this machine yet.

    Args:
        name: one of DATASETS.
        data_dir: a folder with four IDX files of 28x28 images to use instead.

    Raises:
        UserError: unknown name, files that cannot be had, are damaged, or do not fit together.
    """
    if name not in DATASETS:
        raise unknown("dataset", name, DATASETS)
    if name == "digits":
        if data_dir is not None:
            raise UserError(
                f"--data-dir {data_dir}: digits is built in and reads no files:"
                " leave out --dataset digits, or --data-dir"
            )
        return _digits()
    directory = obtain(name, data_dir)
    if (own := own_folder(data_dir)) is not None:
        name = own.absolute().name or str(own)
    train_images, train_labels = _read_pair(directory, *STEMS[:2])
    if train_labels.min() == train_labels.max():
        raise UserError(
            f"{directory}: every training label is {train_labels[0]}:"
            " there must be two classes at least"
        )
    test_images, test_labels = _read_pair(directory, *STEMS[2:])
    return Dataset(name, train_images, train_labels, test_images, test_labels)


def _read_pair(
    directory: Path, images_stem: str, labels_stem: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images_path, labels_path = find_idx(directory, images_stem), find_idx(directory, labels_stem)
    if images_path is None or labels_path is None:
        raise UserError(f"{directory}: {images_stem} or {labels_stem} has just gone")
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{images_path}: shape {images.shape}: must be (N, {SIDE}, {SIDE})")
    if labels.ndim != 1:
        raise UserError(f"{labels_path}: shape {labels.shape}: must be (N,)")
    if len(images) != len(labels):
        raise UserError(
            f"{images_path} has {len(images):,} images but {labels_path} {len(labels):,} labels:"
            " they must be as many"
        )
    if len(images) == 0:
        raise UserError(f"{images_path}: holds no images")
    return images, labels.astype(np.int64)


def _digits() -> Dataset:
    """Return scikit-learn's 1,797 digits of 8x8 pixels, enlarged to 28x28."""
    # Every worker has this module, and only who loads this data set needs scikit-learn here.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    raw = load_digits()
    small = torch.from_numpy(raw.images).float()[:, None] / DIGITS_MAXIMUM * 255
    large = torch.nn.functional.interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    images = large[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
    labels = raw.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=DIGITS_SEED
    )
    return Dataset("digits", images[train], labels[train], images[test], labels[test])
