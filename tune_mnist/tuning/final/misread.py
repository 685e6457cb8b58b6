"""Test images that a final run misclassified, in a file beside the run."""

import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tune_mnist.errors import UserError
from tune_mnist.files import require_file
from tune_mnist.models import MAX_CLASSES
from tune_mnist.quoting import MAX_QUOTED, shortened
from tune_mnist.safe_paths import path_in

MISREAD_FILE = "misread.npz"
PART_OF_MISREAD = f".{MISREAD_FILE}.part"
"""Name of the file while it is written."""

MAX_BYTES = 64_000_000
"""Of an array of such a file; a search keeps at most 100 images."""


@dataclass(frozen=True)
class Misread:
    """Test images that a trained network takes for another class, the surest mistakes first.

    Attributes:
        images: uint8 (N, 28, 28).
        truth: int64 (N,), what they are.
        predicted: int64 (N,), what they were taken for.
        probability: float32 (N,), how sure the network was of that.
    """

    images: NDArray[np.uint8]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]


def write_misread(folder: Path, misread: Misread) -> None:
    """Write the misread images of an architecture's first final run.

    Args:
        folder: Of the architecture's final runs; made if need be.
        misread: The images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = path_in(folder, PART_OF_MISREAD)
    with partial.open("wb") as file:
        np.savez_compressed(file, **asdict(misread))
    partial.replace(path_in(folder, MISREAD_FILE))


def read_misread(folder: Path) -> Misread | None:
    """Return the misread images of an architecture, None if none were kept.

    Args:
        folder: Of the architecture's final runs.

    Raises:
        UserError: The file is damaged, or its arrays are not of the form of a Misread.
    """
    path = path_in(folder, MISREAD_FILE)
    if not path.exists():
        return None
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            misread = Misread(
                images=_array(archive, "images", np.uint8, 3),
                truth=_array(archive, "truth", np.int64, 1),
                predicted=_array(archive, "predicted", np.int64, 1),
                probability=_array(archive, "probability", np.float32, 1),
            )
    except (ValueError, KeyError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        what = shortened(str(error), MAX_QUOTED)
        raise UserError(f"{path}: damaged: {what}") from None
    except (NotImplementedError, RuntimeError, MemoryError):  # encrypted, or deeply nested
        raise UserError(f"{path}: damaged: not an archive as numpy writes it") from None
    _check(path, misread)
    return misread


def _array(
    archive: zipfile.ZipFile, name: str, kind: type[np.generic], dimensions: int
) -> NDArray[Any]:
    """Read an array after its header, which alone says how much memory it takes.

    Raises:
        ValueError: It is of another kind or size.
    """
    with archive.open(f"{name}.npy") as member:
        if npy.read_magic(member) != (1, 0):
            raise ValueError(f"{name}: not an array as numpy writes it")
        shape, fortran_order, dtype = npy.read_array_header_1_0(member)
        if dtype != np.dtype(kind) or fortran_order or len(shape) != dimensions:
            raise ValueError(
                f"{name}: {dtype}, {len(shape)} dimensions: must be {np.dtype(kind)},"
                f" {dimensions} dimensions"
            )
        count = 1
        for side in shape:
            count *= side
        size = count * dtype.itemsize
        if min(shape) < 0 or size > MAX_BYTES:
            raise ValueError(f"{name}: larger than {MAX_BYTES:,} bytes")
        content = member.read(size)
    if len(content) != size:
        raise ValueError(f"{name}: shorter than its header says")
    return np.frombuffer(content, dtype).reshape(shape)


def _check(path: Path, misread: Misread) -> None:
    count = len(misread.images)
    for name, array in asdict(misread).items():
        if len(array) != count:
            raise UserError(f"{path}: damaged: {name}: {len(array)} of {count} images")
    if count and not all(misread.images.shape[1:]):
        raise UserError(f"{path}: damaged: images: have no pixels")
    for name in ("truth", "predicted"):
        classes = getattr(misread, name)
        if ((classes < 0) | (classes >= MAX_CLASSES)).any():
            raise UserError(f"{path}: damaged: {name}: must be classes, 0 to {MAX_CLASSES - 1}")
    if not ((misread.probability >= 0) & (misread.probability <= 1)).all():
        raise UserError(f"{path}: damaged: probability: must be from 0 to 1")
