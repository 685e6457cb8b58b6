"""NumPy archives (.npz), read array by array after their headers; nothing is unpickled."""

import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tune_mnist.data.assembly import Part
from tune_mnist.errors import UserError
from tune_mnist.files import require_file
from tune_mnist.machine import free_memory
from tune_mnist.quoting import MAX_QUOTED, printable, shortened

ZIP_START = b"PK\x03\x04"
CHUNK = 1 << 20
_DAMAGED = (zlib.error, zipfile.BadZipFile)
_NO_HEADER = (
    *(TypeError, SyntaxError, RecursionError, OverflowError, AttributeError, LookupError),
    TokenError,
)
"""Errors of numpy on text that is no header."""

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_KERAS = ("x_train", "y_train", "x_test", "y_test")
_MEDMNIST = ("train_images", "train_labels", "test_images", "test_labels")
_VALIDATION = ("val_images", "val_labels")

Check = Callable[[tuple[int, ...], "np.dtype[Any]", int], None]
"""Takes shape, type and size in bytes of an array; raises ValueError to refuse it."""


def has_zip_start(path: Path) -> bool:
    """Return whether a file begins as a zip archive does."""
    require_file(path)
    with path.open("rb") as file:
        return file.read(len(ZIP_START)) == ZIP_START


def read_npz(path: Path) -> tuple[Part, Part]:
    """Read a data set from a NumPy archive; return its training and its test part.

    The arrays are ``x_train``, ``y_train``, ``x_test`` and ``y_test``, or MedMNIST's
    ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``, whose ``val_images``
    and ``val_labels`` join the training part.

    Raises:
        UserError: An array is missing, holds Python objects or needs more memory than there is,
            or the archive is damaged.
    """
    with opened_archive(path) as archive:
        there = {name.removesuffix(".npy") for name in archive.namelist()}
        for names in (_KERAS, _MEDMNIST):
            if there >= set(names):
                break
        else:
            raise UserError(
                f"{path}: holds {_listed(there)}: must hold {', '.join(_KERAS)}, or"
                f" {', '.join(_MEDMNIST)}"
            )
        arrays = {name: read_array(archive, name, _check) for name in names}
        if names == _MEDMNIST and there >= set(_VALIDATION):
            for name, more in zip(names, _VALIDATION, strict=False):
                arrays[name] = np.concatenate([arrays[name], read_array(archive, more, _check)])
    x_train, y_train, x_test, y_test = names
    return (
        Part(arrays[x_train], arrays[y_train], f"{path}: {x_train}", f"{path}: {y_train}"),
        Part(arrays[x_test], arrays[y_test], f"{path}: {x_test}", f"{path}: {y_test}"),
    )


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a NumPy archive, and report in one line whatever is wrong with it.

    Raises:
        UserError: It cannot be read, is damaged, or an array in it was refused.
    """
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except MemoryError:
        raise UserError(f"{path}: needs more memory than this process may use") from None
    except (NotImplementedError, RuntimeError):  # encrypted, or packed by another method
        raise UserError(f"{path}: damaged: not an archive as numpy writes it") from None
    except (ValueError, LookupError, OverflowError, OSError, EOFError, *_DAMAGED) as error:
        what = shortened(str(error), MAX_QUOTED)
        raise UserError(f"{path}: damaged: {what}") from None


def read_array(archive: zipfile.ZipFile, name: str, check: Check) -> NDArray[Any]:
    """Read an array after its header, which alone says how much memory it takes.

    Args:
        archive: An open archive.
        name: Name of the array.
        check: Refuses it by its header.

    Raises:
        ValueError: It is refused, or damaged.
    """
    with archive.open(f"{name}.npy") as member:
        version = npy.read_magic(member)
        if version not in _READERS:
            raise ValueError(f"{name}: not an array as numpy writes it")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy mends headers of Python 2, and says so
                shape, fortran_order, dtype = _READERS[version](member)
        except _NO_HEADER:
            raise ValueError(f"{name}: its header cannot be read") from None
        if dtype.hasobject:
            raise ValueError(f"{name}: object array (a pickle), which is never loaded")
        if any(side < 0 for side in shape):
            raise ValueError(f"{name}: shape {shape}")
        count = 1
        for side in shape:
            count *= side
        size = count * dtype.itemsize
        try:
            check(shape, dtype, size)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        array = np.empty(count, dtype)
        _fill(member, array.view(np.uint8).data, name)
    return array.reshape(shape, order="F" if fortran_order else "C")


def _fill(member: Any, target: memoryview, name: str) -> None:
    """Fill an array with exactly as many bytes as it takes: pages come as they are written."""
    place = 0
    while place < len(target):
        read = member.readinto(target[place : place + CHUNK])
        if not read:
            raise ValueError(f"{name}: shorter than its header says")
        place += read
    if member.read(1):
        raise ValueError(f"{name}: longer than its header says")


def _check(shape: tuple[int, ...], dtype: "np.dtype[Any]", size: int) -> None:
    if dtype.kind not in "iubU":
        raise ValueError(f"{dtype}: must be whole numbers; labels may also be texts")
    available = free_memory()
    if size > available:
        raise ValueError(
            f"its header {shape} means {size / 1e9:.1f} GB: {available / 1e9:.1f} GB of memory"
            " are free"
        )


def _listed(names: set[str]) -> str:
    return printable(shortened(", ".join(sorted(names)) or "no arrays", MAX_QUOTED))
