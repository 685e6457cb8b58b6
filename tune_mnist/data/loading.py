"""Loading of a data set, by name or from files of the user."""

import os
from pathlib import Path

from tune_mnist.data.dataset import Dataset
from tune_mnist.data.digits import load_digits
from tune_mnist.data.names import (
    ARRAYS,
    CLASS_NAMES,
    DATASETS,
    DIGITS,
)
from tune_mnist.data.own_data import load_idx, load_own
from tune_mnist.data.recognition import with_shipped_name
from tune_mnist.data.sources import ensure_files
from tune_mnist.errors import UserError, unknown

DATA_VARIABLE = "TUNE_MNIST_DATA"

BUILT_IN = {
    DIGITS: load_digits,
}
"""Functions that return the data sets which need no files, keyed by name."""


def load_dataset(
    name: str = "mnist", data_dir: Path | None = None, *, transpose: bool = False
) -> Dataset:
    """Load a data set, downloading it if it is not cached.

    Args:
        name: Name of a shipped data set, one of DATASETS.
        data_dir: Folder or file with the user's own data, which replaces the named data set. See
            ``load_own`` for the formats. If None, the environment variable TUNE_MNIST_DATA is used
            if it is set, except for data sets in BUILT_IN. If the images are those of a shipped
            data set, they get its name.
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
    if name in BUILT_IN and data_dir is not None:
        raise UserError(
            f"--data-dir {data_dir} cannot be combined with --dataset {name}, which is built in:"
            " omit one of the options"
        )
    named = os.environ.get(DATA_VARIABLE)
    own = Path(named) if data_dir is None and named else data_dir
    if own is not None and name not in BUILT_IN:
        given_as = DATA_VARIABLE if data_dir is None else "--data-dir"
        return with_shipped_name(load_own(own, given_as, transpose=transpose))
    if transpose:
        raise UserError(
            f"--transpose applies only to your own data (--data-dir), not to {name}: omit the"
            " option"
        )
    if name in BUILT_IN:
        return BUILT_IN[name]()
    return load_idx(ensure_files(name), name, class_names=CLASS_NAMES.get(name))
