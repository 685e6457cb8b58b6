"""IDX files, the format MNIST comes in: found, read and checked."""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import idx2numpy
import numpy as np
from numpy.typing import NDArray

from tune_mnist.errors import UserError

UINT8 = 0x08
HEADER = 4


def find_idx(directory: Path, stem: str) -> Path | None:
    """Return the file of that stem in the folder, plain or gzipped; None if there is none.

    Args:
        directory: where to look.
        stem: the usual name without an ending, such as ``train-images-idx3-ubyte``; the spelling
            with a dot, ``train-images.idx3-ubyte``, is found as well.
    """
    dotted = stem.replace("-idx", ".idx")
    names = (stem, dotted, f"{stem}.gz", f"{dotted}.gz")
    return next((directory / name for name in names if (directory / name).is_file()), None)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Args:
        path: the file, gzipped if its name ends in ``.gz``.

    Returns:
        uint8, in the shape that the file's header gives.

    Raises:
        UserError: the file is damaged, too short or too long, or holds something else.
    """
    content = _content(path)
    _check(path, content)
    array: NDArray[np.uint8] = idx2numpy.convert_from_file(io.BytesIO(content))
    return array


def _content(path: Path) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return file.read()
        return path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged gzip file ({error}): fetch it again") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _check(path: Path, content: bytes) -> None:
    """Compare the header with what follows it."""
    if len(content) < HEADER or content[:2] != b"\0\0":
        raise UserError(f"{path}: not an IDX file: it should begin with two zero bytes")
    kind, dimensions = content[2], content[3]
    if kind != UINT8:
        raise UserError(
            f"{path}: IDX of data type 0x{kind:02x}: must be unsigned bytes (0x{UINT8:02x})"
        )
    start = HEADER + 4 * dimensions
    if dimensions == 0:
        raise UserError(f"{path}: not an IDX file of images or labels: it has no dimensions")
    if len(content) < start:
        raise UserError(
            f"{path}: truncated: {len(content)} bytes, but its header alone takes {start}"
        )
    shape = struct.unpack(f">{dimensions}I", content[HEADER:start])
    expected = start + math.prod(shape)
    if len(content) != expected:
        fault = "truncated" if len(content) < expected else "too long"
        raise UserError(
            f"{path}: {fault}: {len(content):,} bytes, but its header {shape} means {expected:,}"
        )
