"""A data set loaded by name, or from files of the user's own."""

import os
from pathlib import Path

import numpy as np
import torch

from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import SIDE
from tune_mnist.data.names import ARRAYS, CLASS_NAMES, DATASETS, DIGITS
from tune_mnist.data.own_data import load_idx, load_own
from tune_mnist.data.sources import ensure_files
from tune_mnist.errors import UserError, unknown

DATA_VARIABLE = "TUNE_MNIST_DATA"
DIGITS_MAXIMUM = 16
DIGITS_SEED = 0


def load_dataset(
    name: str = "mnist", data_dir: Path | None = None, *, transpose: bool = False
) -> Dataset:
    """Load a data set, fetching it if it is not on this machine yet.

    Args:
        name: One of DATASETS.
        data_dir: Folder or file with data of the user's own to use instead, see
            :func:`~tune_mnist.data.own_data.load_own`; None: TUNE_MNIST_DATA may name one.
        transpose: Whether to exchange rows and columns of each image of the user's own.

    Raises:
        UserError: Unknown name, or files that cannot be had, are damaged, or do not fit together.
    """
    if name == ARRAYS and data_dir is None:
        raise UserError(
            f"--dataset {ARRAYS}: these images were given from Python, and are in no file: go on"
            " from Python, with run_search(resume=..., dataset=...)"
        )
    if name not in (*DATASETS, ARRAYS):
        raise unknown("dataset", name, DATASETS)
    if name == DIGITS and data_dir is not None:
        raise UserError(
            f"--data-dir {data_dir}: digits is built in and reads no files:"
            " leave out --dataset digits, or --data-dir"
        )
    named = os.environ.get(DATA_VARIABLE)
    own = Path(named) if data_dir is None and named else data_dir
    if own is not None and name != DIGITS:
        given_as = DATA_VARIABLE if data_dir is None else "--data-dir"
        return load_own(own, given_as, transpose=transpose)
    if transpose:
        raise UserError(
            f"--transpose: the images of {name} lie as they should: leave the option out, or give"
            " transposed images of your own with --data-dir"
        )
    if name == DIGITS:
        return _digits()
    return load_idx(ensure_files(name), name, class_names=CLASS_NAMES.get(name))


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
    return Dataset(DIGITS, images[train], labels[train], images[test], labels[test])
