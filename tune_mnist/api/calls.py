"""Arguments of the API: checked, resolved, and written down as a call."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from tune_mnist.data import Dataset, dataset_from_arrays, load_dataset
from tune_mnist.data.names import ARRAYS, DATASETS
from tune_mnist.errors import UserError, unknown
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.user_modules import load_models
from tune_mnist.quoting import shortened

Models = str | Path | Sequence[str | Path]
"""One or several Python files or modules with networks of a user's own."""

Arrays = tuple[Any, Any, Any, Any]
"""Training images, training labels, test images, test labels."""

Images = str | Path | Dataset | Arrays
"""Name of a data set, path of a folder or file with one, or the data set itself."""

MAX_VALUE = 200
"""Characters of an option's value in the record of a call."""


def require_known(
    options: Mapping[str, Any], schema: type[BaseModel], *more: str, keywords: bool = False
) -> None:
    """Check that every option has a known name.

    Args:
        options: Options by name.
        schema: Model whose fields the options are; fields that are not stored are no options.
        more: Other known names.
        keywords: Whether ``model.<keyword>`` names keywords of the network's constructor.

    Raises:
        UserError: One is unknown; suggests the closest name.
    """
    fields = [name for name, field in schema.model_fields.items() if not field.exclude]
    for name in options:
        is_keyword = keywords and name.startswith(MODEL_PREFIX)
        if name not in (*more, *fields) and not is_keyword:
            raise unknown("option", name, (*more, *fields))


def load_networks(models: Models) -> None:
    """Import the modules with networks that a call names.

    Raises:
        UserError: One cannot be imported, or registers no network.
    """
    several = [models] if isinstance(models, str | Path) else models
    load_models(map(str, several))


def checked_images(dataset: Images) -> str | Path | Dataset:
    """Return the name or path of a data set, or the data set itself.

    Raises:
        UserError: It is of another type, or arrays that make no data set.
    """
    if isinstance(dataset, tuple) and len(dataset) == len(get_args(Arrays)):
        return dataset_from_arrays(*dataset)
    if not isinstance(dataset, str | Path | Dataset):
        raise UserError(
            f"dataset: is {type(dataset).__name__}: must be a name, a path, a Dataset, or the"
            " arrays (x_train, y_train, x_test, y_test)"
        )
    return dataset


def require_one_source(
    dataset: str | Path | Dataset, data_dir: str | Path | None, *, transpose: bool | None
) -> None:
    """Check that a call gives its images once.

    Args:
        dataset: Name or path of a data set, or the data set itself.
        data_dir: Folder or file with data of the user's own, or None.
        transpose: Whether to transpose the images; None: not given.

    Raises:
        UserError: ``data_dir`` or ``transpose`` would have no effect.
    """
    in_memory = isinstance(dataset, Dataset)
    given = "the images are in memory" if in_memory else f"dataset is the path {dataset}"
    if data_dir is not None and (in_memory or "data_dir" in data_options(dataset)):
        raise UserError(f"data_dir = {str(data_dir)!r}: {given}: leave one of them out")
    if isinstance(dataset, Dataset) and transpose and not dataset.transposed:
        raise UserError(f"transpose = True: {given}: transpose the arrays themselves")


def data_options(dataset: str | Path | Dataset | None) -> dict[str, Any]:
    """Return the options of a search that name the data set.

    Args:
        dataset: Name of a data set, path of a folder or file, or the data set itself; None: not
            given.
    """
    if dataset is None:
        return {}
    if isinstance(dataset, Dataset):
        name = dataset.name if dataset.name in DATASETS else ARRAYS
        return {"dataset": name, "transpose": dataset.transposed}
    if dataset not in DATASETS and (isinstance(dataset, Path) or _is_path(dataset)):
        return {"data_dir": Path(dataset)}
    return {"dataset": dataset}


def _is_path(text: str) -> bool:
    return len(Path(text).parts) > 1 or Path(text).exists()


def load_images(
    dataset: Images,
    data_dir: str | Path | None = None,
    *,
    transpose: bool = False,
) -> Dataset:
    """Return the data set that an argument names, or is.

    Args:
        dataset: Data set, its name or path, or its arrays.
        data_dir: Folder or file with data of the user's own, or None.
        transpose: Whether to exchange rows and columns of each image of the user's own.

    Raises:
        UserError: Unknown name, or files that are missing or damaged.
    """
    given = checked_images(dataset)
    require_one_source(given, data_dir, transpose=transpose)
    if isinstance(given, Dataset):
        return given
    named = {"data_dir": data_dir and Path(data_dir)} | data_options(given)
    name = named.get("dataset", "mnist")
    return load_dataset(name, named["data_dir"], transpose=transpose)


def python_call(function: str, given: Mapping[str, Any]) -> str:
    """Return a call as a line of Python.

    Args:
        function: Name of the function.
        given: Arguments by name; None: not given.
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
