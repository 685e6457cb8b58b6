"""Safe reading of untrusted NumPy archives (.npz) without unpickling."""

import math
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
from tune_mnist.machine import memory_shortage
from tune_mnist.quoting import MAX_QUOTED, printable, shortened

ZIP_START = b"PK\x03\x04"
NPZ_CHUNK = 1 << 20
_DAMAGED = (zlib.error, zipfile.BadZipFile)
_NO_HEADER = (
    *(TypeError, SyntaxError, RecursionError, OverflowError, AttributeError, LookupError),
    TokenError,
)
"""Exceptions that NumPy raises for an invalid array header."""

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_KERAS = ("x_train", "y_train", "x_test", "y_test")
_MEDMNIST = ("train_images", "train_labels", "test_images", "test_labels")
_VALIDATION = ("val_images", "val_labels")

Check = Callable[[tuple[int, ...], "np.dtype[Any]", int], None]
"""Function from the shape, type and size in bytes of an array; refuses it with a ValueError."""


def has_zip_start(path: Path) -> bool:
    """Return whether a file begins like a zip archive, as every NumPy archive does."""
    require_file(path)
    with path.open("rb") as file:
        return file.read(len(ZIP_START)) == ZIP_START


def read_npz(path: Path) -> tuple[Part, Part]:
    """Read a data set from a NumPy archive.

    The archive contains ``x_train``, ``y_train``, ``x_test`` and ``y_test``, or the arrays of
    MedMNIST: ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``. MedMNIST's
    ``val_images`` and ``val_labels`` are added to the training images.

    Returns:
        Training images and test images with their labels, not yet validated.

    Raises:
        UserError: An array is missing, contains Python objects or does not fit into memory, or the
            archive is damaged.
    """
    with opened_archive(path) as archive:
        there = {name.removesuffix(".npy") for name in archive.namelist()}
        for names in (_KERAS, _MEDMNIST):
            if there >= set(names):
                break
        else:
            raise UserError(
                f"{path}: the archive must contain {', '.join(_KERAS)}, or {', '.join(_MEDMNIST)},"
                f" but contains {_listed(there)}"
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
    """Context manager that opens a NumPy archive and converts all errors to UserError.

    Raises:
        UserError: The archive cannot be read or is damaged, or an array in it is not accepted.
    """
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except MemoryError:
        raise UserError(
            f"{path}: reading the archive needs more memory than this process may use"
        ) from None
    except (NotImplementedError, RuntimeError):  # encryption or an unknown compression method
        raise UserError(f"{path}: the archive is damaged, or was not written by NumPy") from None
    except (ValueError, LookupError, OverflowError, OSError, EOFError, *_DAMAGED) as error:
        what = shortened(str(error), MAX_QUOTED)
        raise UserError(f"{path}: cannot be read: {what}") from None


def read_array(archive: zipfile.ZipFile, name: str, check: Check) -> NDArray[Any]:
    """Read one array from an archive after checking its header.

    Args:
        archive: Open archive.
        name: Name of the array.
        check: Function that checks the shape, type and size given in the header, before memory is
            allocated.

    Raises:
        ValueError: The array is damaged, or the check failed.
    """
    with archive.open(f"{name}.npy") as member:
        version = npy.read_magic(member)
        if version not in _READERS:
            raise ValueError(f"the array {name} was not written by NumPy")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy warns about headers of Python 2
                shape, fortran_order, dtype = _READERS[version](member)
        except _NO_HEADER:
            raise ValueError(f"the header of the array {name} is damaged") from None
        if dtype.hasobject:
            raise ValueError(
                f"the array {name} holds Python objects (pickle), which are not loaded"
            )
        if any(side < 0 for side in shape):
            raise ValueError(f"the array {name} has the impossible shape {shape}")
        count = math.prod(shape)
        try:
            check(shape, dtype, count * dtype.itemsize)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        array = np.empty(count, dtype)
        _fill(member, array.view(np.uint8).data, name)
    return array.reshape(shape, order="F" if fortran_order else "C")


def _fill(member: Any, target: memoryview, name: str) -> None:
    """Fill an array from a file and check that the file has exactly its size."""
    place = 0
    while place < len(target):
        read = member.readinto(target[place : place + NPZ_CHUNK])
        if not read:
            raise ValueError(
                f"the array {name} is truncated: it contains less data than its header declares"
            )
        place += read
    if member.read(1):
        raise ValueError(f"the array {name} contains more data than its header declares")


def _check(shape: tuple[int, ...], dtype: "np.dtype[Any]", size: int) -> None:
    if dtype.kind not in "iubU":
        raise ValueError(f"must be whole numbers, or strings for labels, but is {dtype}")
    if shortage := memory_shortage(size):
        raise ValueError(f"the shape {shape} in its header requires {shortage}")


def _listed(names: set[str]) -> str:
    return printable(shortened(", ".join(sorted(names)) or "no arrays", MAX_QUOTED))
