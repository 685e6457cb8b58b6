"""Validation of the arguments of the Python API."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from tune_mnist.data import Dataset, dataset_from_arrays, load_dataset
from tune_mnist.data.names import ARRAYS, DATASETS
from tune_mnist.errors import UserError, unknown
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.user_modules import load_models
from tune_mnist.quoting import MAX_QUOTED, shortened
from tune_mnist.suggestions import hyperparameter_meant

Models = str | Path | Sequence[str | Path]
"""One or more Python files or modules that register networks of the user."""

Arrays = tuple[Any, Any, Any, Any]
"""Training images, training labels, test images and test labels."""

Images = str | Path | Dataset | Arrays
"""Name of a data set, path of a folder or file, a data set in memory, or its arrays."""

MAX_VALUE = 200
"""Maximum length of an argument in a recorded call, in characters."""


def require_known(
    options: Mapping[str, Any],
    schema: type[BaseModel],
    *more: str,
    keywords: bool = False,
    hyperparameters: Mapping[str, str] | None = None,
) -> None:
    """Check that all options of a Python call have known names.

    Args:
        options: Options to check, keyed by name.
        schema: Model whose fields are the known options. Excluded fields are not options.
        more: Further known names.
        keywords: Whether names of the form ``model.<keyword>`` are accepted too.
        hyperparameters: Description of each hyperparameter that is set in the search space instead
            of by an option, keyed by name, or None.

    Raises:
        UserError: A name is unknown. The message suggests the closest known name, or says where
            the hyperparameter is set.
    """
    fields = {
        name: field.description or ""
        for name, field in schema.model_fields.items()
        if not field.exclude
    }
    known = dict.fromkeys(more, "") | fields
    for name in options:
        is_keyword = keywords and name.startswith(MODEL_PREFIX)
        if name in known or is_keyword:
            continue
        if meant := hyperparameter_meant(name, fields, hyperparameters or {}):
            raise UserError(
                f"unknown option '{shortened(name, MAX_QUOTED)}': {meant} is a hyperparameter,"
                " whose range is set in the space"
            )
        raise unknown("option", name, known, fields)


def load_networks(models: Models) -> None:
    """Import the modules that register the user's networks.

    Args:
        models: Python files, or names of importable modules.

    Raises:
        UserError: A module cannot be imported or registers no network.
    """
    several = [models] if isinstance(models, str | Path) else models
    load_models(map(str, several))


def checked_images(
    dataset: Images, data_dir: str | Path | None, *, transpose: bool | None
) -> str | Path | Dataset:
    """Validate the arguments of a Python call that specify its images.

    Args:
        dataset: Name or path of a data set, a data set in memory, or its arrays.
        data_dir: Folder or file with the user's own data, or None.
        transpose: Whether to swap the rows and columns of each image. If None, the default is
            used.

    Returns:
        Data set assembled from the arrays. A name, a path or a data set is returned unchanged.

    Raises:
        UserError: ``dataset`` has an unsupported type, the arrays are invalid, or ``data_dir`` or
            ``transpose`` would have no effect.
    """
    if isinstance(dataset, tuple) and len(dataset) == len(get_args(Arrays)):
        dataset = dataset_from_arrays(*dataset)
    if not isinstance(dataset, str | Path | Dataset):
        raise UserError(
            "dataset must be a name, a path, a Dataset, or the arrays (x_train, y_train, x_test,"
            f" y_test), but is {type(dataset).__name__}"
        )
    in_memory = isinstance(dataset, Dataset)
    given = "the images are in memory" if in_memory else f"dataset is the path {dataset}"
    if data_dir is not None and (in_memory or "data_dir" in data_options(dataset)):
        raise UserError(f"data_dir is {str(data_dir)!r}, but {given}: omit one of them")
    if isinstance(dataset, Dataset) and transpose and not dataset.transposed:
        raise UserError(f"transpose is True, but {given}: transpose the arrays yourself")
    return dataset


def data_options(dataset: str | Path | Dataset | None) -> dict[str, Any]:
    """Convert the argument ``dataset`` of a Python call to search options.

    Args:
        dataset: Name of a data set, path of a folder or file, or a data set in memory. If None, no
            options are returned.
    """
    if dataset is None:
        return {}
    if isinstance(dataset, Dataset):
        # The shipped files of a data set are never transposed.
        shipped = dataset.name in DATASETS and not dataset.transposed
        name = dataset.name if shipped else ARRAYS
        return {"dataset": name, "transpose": dataset.transposed}
    if dataset not in DATASETS and (isinstance(dataset, Path) or _is_path(dataset)):
        return {"data_dir": Path(dataset)}
    return {"dataset": dataset}


def _is_path(text: str) -> bool:
    return len(Path(text).parts) > 1 or Path(text).exists()


def load_images(dataset: Images, data_dir: str | Path | None, *, transpose: bool) -> Dataset:
    """Load the data set for a training run.

    Args:
        dataset: Name of a data set, path of a folder or file, a data set in memory, or its arrays.
        data_dir: Folder or file with the user's own data, or None.
        transpose: Whether to swap the rows and columns of each image. It applies only to own data.

    Raises:
        UserError: The name is unknown, or the files are missing or damaged.
    """
    given = checked_images(dataset, data_dir, transpose=transpose)
    if isinstance(given, Dataset):
        return given
    named = {"data_dir": data_dir and Path(data_dir)} | data_options(given)
    return load_dataset(named.get("dataset", "mnist"), named["data_dir"], transpose=transpose)


def python_call(function: str, given: Mapping[str, Any]) -> str:
    """Format a function call as Python source, to be recorded in the results.

    Args:
        function: Name of the called function.
        given: Arguments of the call, keyed by name. Arguments that are None are omitted.
    """
    said = [f"{name}={_literal(value)}" for name, value in given.items() if value is not None]
    return f"{function}({', '.join(said)})"


def _literal(value: Any) -> str:
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, tuple) and any(hasattr(item, "shape") for item in value):
        return "<arrays>"
    if isinstance(value, str | int | float | Mapping | list | tuple):
        return shortened(repr(value), MAX_VALUE)
    return f"<{type(value).__name__}>"
