"""File of the test images that a final run misclassified."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.form import RGB
from tune_mnist.data.npz import opened_archive, read_array
from tune_mnist.errors import UserError
from tune_mnist.models import MAX_CLASSES
from tune_mnist.safe_paths import path_in

MISCLASSIFIED_FILE = "misread.npz"
PART_OF_MISCLASSIFIED = f".{MISCLASSIFIED_FILE}.part"
"""Name of the file while it is written."""

MAX_MISCLASSIFIED_BYTES = 64_000_000
"""Maximum size of an array in the file; a search stores at most 100 images."""


_ARRAYS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "images": (np.uint8, (3, 4)),
    "truth": (np.int64, (1,)),
    "predicted": (np.int64, (1,)),
    "probability": (np.float32, (1,)),
}
"""Type and possible numbers of dimensions of each array in the file, keyed by name."""


@dataclass(frozen=True)
class Misclassified:
    """Misclassified test images, ordered by the probability of the predicted class, highest first.

    Attributes:
        images: Images, uint8 of shape (N, S, S) or (N, S, S, 3).
        truth: True classes, int64 of shape (N,).
        predicted: Predicted classes, int64 of shape (N,).
        probability: Probabilities of the predicted classes, float32 of shape (N,).
    """

    images: NDArray[np.uint8]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]


def write_misclassified(folder: Path, misclassified: Misclassified) -> None:
    """Write the misclassified images of the first final run of an architecture.

    Args:
        folder: Folder of the architecture's final runs. It is created if it does not exist.
        misclassified: Misclassified images to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = path_in(folder, PART_OF_MISCLASSIFIED)
    with partial.open("wb") as file:
        np.savez_compressed(file, **asdict(misclassified))
    partial.replace(path_in(folder, MISCLASSIFIED_FILE))


def read_misclassified(folder: Path) -> Misclassified | None:
    """Read the misclassified images of the first final run of an architecture.

    Args:
        folder: Folder of the architecture's final runs.

    Returns:
        Misclassified images, or None if the file does not exist.

    Raises:
        UserError: The file is damaged, or an array has the wrong type or shape.
    """
    path = path_in(folder, MISCLASSIFIED_FILE)
    if not path.exists():
        return None
    with opened_archive(path) as archive:
        arrays = {
            name: read_array(archive, name, partial(_check_header, kind, dimensions))
            for name, (kind, dimensions) in _ARRAYS.items()
        }
    misclassified = Misclassified(**arrays)
    _check(path, misclassified)
    return misclassified


def _check_header(
    kind: type[np.generic],
    dimensions: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: "np.dtype[Any]",
    size: int,
) -> None:
    """Check the header of an array.

    Raises:
        ValueError: The array has the wrong type or shape, or is too large.
    """
    if dtype != np.dtype(kind) or len(shape) not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise ValueError(
            f"the array must be {np.dtype(kind)} with {wanted} dimensions, but is {dtype} with"
            f" {len(shape)}"
        )
    if len(shape) == 4 and shape[3] != RGB:
        raise ValueError(f"the shape must be (N, S, S) or (N, S, S, {RGB}), but is {shape}")
    if size > MAX_MISCLASSIFIED_BYTES:
        raise ValueError(f"the array is larger than {MAX_MISCLASSIFIED_BYTES:,} bytes")


def _check(path: Path, misclassified: Misclassified) -> None:
    damaged = f"{path}: the file is damaged: "
    count = len(misclassified.images)
    for name, array in asdict(misclassified).items():
        if len(array) != count:
            raise UserError(f"{damaged}{name} has {len(array)} values for {count} images")
    if count and not all(misclassified.images.shape[1:]):
        raise UserError(f"{damaged}its images have a width or height of zero")
    for name in ("truth", "predicted"):
        classes = getattr(misclassified, name)
        if ((classes < 0) | (classes >= MAX_CLASSES)).any():
            raise UserError(f"{damaged}all values of {name} must be from 0 to {MAX_CLASSES - 1}")
    if not ((misclassified.probability >= 0) & (misclassified.probability <= 1)).all():
        raise UserError(f"{damaged}all values of probability must be from 0 to 1")
