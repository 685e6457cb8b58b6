"""IDX files, the format of MNIST: found, checked and read."""

import gzip
import io
import math
import struct
import sys
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import idx2numpy
import numpy as np
from numpy.typing import NDArray

from tune_mnist.errors import UserError
from tune_mnist.machine import free_memory

UINT8 = 0x08
HEADER = 4
GZIP_START = b"\x1f\x8b"
# The most that every supported NumPy has.
MAX_DIMENSIONS = 32
CHUNK = 1 << 20


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
        path: The file, plain or gzipped: its first bytes count, not its name.

    Returns:
        uint8, in the shape that the file's header gives.

    Raises:
        UserError: The file is damaged, too short or too long, holds something else, or needs more
            memory than there is.
    """
    try:
        with path.open("rb") as file:
            return parse_idx(file, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse_idx(file: BinaryIO, path: Path) -> NDArray[np.uint8]:
    """Read an open IDX file; see :func:`read_idx`.

    Never more is unpacked than the header says, and no memory is taken for what is not there.

    Args:
        file: At its beginning; must be seekable.
        path: Names the file in errors.
    """
    try:
        start = file.read(len(GZIP_START))
        file.seek(0)
        if start == GZIP_START:
            with gzip.open(file) as unpacked:
                return _parse(cast(BinaryIO, unpacked), path, None)
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return _parse(file, path, size)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged gzip file ({error}): fetch it again") from None
    except MemoryError:
        raise UserError(f"{path}: needs more memory than this process may use") from None


def _parse(file: BinaryIO, path: Path, size: int | None) -> NDArray[np.uint8]:
    """Read what an IDX file holds, unpacked.

    Args:
        file: At its beginning.
        path: Names the file in errors.
        size: Of the file in bytes; None if only unpacking tells.
    """
    header, shape = _header(file, path)
    expected = len(header) + math.prod(shape)
    if size is not None and size != expected:
        raise _wrong_size(path, shape, expected, f"{size:,} bytes", too_long=size > expected)
    available = free_memory()
    if expected > available:
        raise UserError(
            f"{path}: its header {shape} means {expected / 1e9:.1f} GB:"
            f" {available / 1e9:.1f} GB of memory are free"
        )
    content = _read_up_to(file, expected + 1 - len(header), header)
    if len(content) != expected:
        too_long = len(content) > expected
        found = f"more than {expected:,} bytes" if too_long else f"{len(content):,} bytes"
        raise _wrong_size(path, shape, expected, found, too_long=too_long)
    array: NDArray[np.uint8] = idx2numpy.convert_from_file(io.BytesIO(content))
    return array


def _header(file: BinaryIO, path: Path) -> tuple[bytes, tuple[int, ...]]:
    """Return the header as it stands in the file, and the shape that it gives."""
    magic = file.read(HEADER)
    if len(magic) < HEADER or magic[:2] != b"\0\0":
        raise UserError(f"{path}: not an IDX file: it should begin with two zero bytes")
    kind, dimensions = magic[2], magic[3]
    if kind != UINT8:
        raise UserError(
            f"{path}: IDX of data type 0x{kind:02x}: must be unsigned bytes (0x{UINT8:02x})"
        )
    if dimensions == 0:
        raise UserError(f"{path}: not an IDX file of images or labels: it has no dimensions")
    if dimensions > MAX_DIMENSIONS:
        raise UserError(
            f"{path}: IDX of {dimensions} dimensions: images have 3, labels 1, and at most"
            f" {MAX_DIMENSIONS} can be read"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise UserError(
            f"{path}: truncated: {HEADER + len(sizes)} bytes, but its header alone takes"
            f" {HEADER + 4 * dimensions}"
        )
    shape = struct.unpack(f">{dimensions}I", sizes)
    # NumPy refuses such an array even if one of the sizes is 0.
    if 0 in shape and math.prod(max(1, size) for size in shape) > sys.maxsize:
        raise UserError(f"{path}: its header {shape} means more than can be addressed")
    return magic + sizes, shape


def _read_up_to(file: BinaryIO, count: int, start: bytes) -> bytes:
    """Return ``start`` and up to ``count`` bytes more: no more memory than what is there."""
    chunks = [start]
    while count > 0 and (chunk := file.read(min(count, CHUNK))):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def _wrong_size(
    path: Path, shape: tuple[int, ...], expected: int, found: str, *, too_long: bool
) -> UserError:
    fault = "too long" if too_long else "truncated"
    return UserError(f"{path}: {fault}: {found}, but its header {shape} means {expected:,}")
