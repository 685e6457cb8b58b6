"""Loading of a data set, by name or from files of the user."""

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
    """Load a data set, downloading it if it is not cached.

    Args:
        name: Name of a shipped data set, one of DATASETS.
        data_dir: Folder or file with the user's own data, which replaces the named data set. See
            ``load_own`` for the formats. If None, the environment variable TUNE_MNIST_DATA is used
            if it is set.
        transpose: Whether to swap the rows and columns of each image. It applies only to own data.

    Raises:
        UserError: The name is unknown, or the files cannot be downloaded, are damaged or do not
            match each other.
    """
    if name == ARRAYS and data_dir is None:
        raise UserError(
            f"--dataset {ARRAYS}: the images were passed from Python and are not stored: resume"
            " the search from Python with run_search(resume=..., dataset=...)"
        )
    if name not in (*DATASETS, ARRAYS):
        raise unknown("dataset", name, DATASETS)
    if name == DIGITS and data_dir is not None:
        raise UserError(
            f"--data-dir {data_dir} cannot be combined with --dataset digits, which is built in:"
            " omit one of the options"
        )
    named = os.environ.get(DATA_VARIABLE)
    own = Path(named) if data_dir is None and named else data_dir
    if own is not None and name != DIGITS:
        given_as = DATA_VARIABLE if data_dir is None else "--data-dir"
        return load_own(own, given_as, transpose=transpose)
    if transpose:
        raise UserError(
            f"--transpose applies only to your own data, not to {name}: omit the option, or"
            " give --data-dir"
        )
    if name == DIGITS:
        return _digits()
    return load_idx(ensure_files(name), name, class_names=CLASS_NAMES.get(name))


def _digits() -> Dataset:
    """Return the 1,797 digits of scikit-learn, enlarged from 8x8 to 28x28 pixels."""
    # Imported late: every worker imports this module, but few load this data set.
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
