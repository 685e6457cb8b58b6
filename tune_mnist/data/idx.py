"""Validated reading of IDX files, the format of MNIST."""

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
from tune_mnist.machine import memory_shortage

UINT8 = 0x08
HEADER = 4
GZIP_START = b"\x1f\x8b"
MAX_DIMENSIONS = 32
"""Maximum number of dimensions that all supported NumPy versions accept."""

IDX_CHUNK = 1 << 20


def find_idx(directory: Path, stem: str) -> Path | None:
    """Return the path of an IDX file, plain or gzipped, or None if the file does not exist.

    Args:
        directory: Folder that may contain the file.
        stem: File name without ``.gz``, such as ``train-images-idx3-ubyte``. The spelling
            ``train-images.idx3-ubyte`` is accepted too.
    """
    dotted = stem.replace("-idx", ".idx")
    names = (stem, dotted, f"{stem}.gz", f"{dotted}.gz")
    return next((directory / name for name in names if (directory / name).is_file()), None)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Args:
        path: IDX file, plain or gzipped. The kind is detected from the first bytes.

    Returns:
        Array of uint8 with the shape that the header gives.

    Raises:
        UserError: The file is damaged, is not an IDX file of unsigned bytes, has the wrong length,
            or does not fit into memory.
    """
    try:
        with path.open("rb") as file:
            return parse_idx(file, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse_idx(file: BinaryIO, path: Path) -> NDArray[np.uint8]:
    """Read an IDX file that is already open.

    A damaged or hostile file cannot exhaust the memory: decompression stops at the size given in
    the header, and memory is allocated only for bytes that exist. See ``read_idx`` for the result.

    Args:
        file: Seekable file, positioned at its beginning.
        path: Name of the file, for error messages.
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
        raise UserError(f"{path}: the gzip file is damaged ({error}): download it again") from None
    except MemoryError:
        raise UserError(
            f"{path}: reading the file needs more memory than this process may use"
        ) from None


def _parse(file: BinaryIO, path: Path, size: int | None) -> NDArray[np.uint8]:
    """Read the decompressed content of an IDX file.

    Args:
        file: File at its beginning.
        path: Name of the file, for error messages.
        size: Size of the content in bytes. None if the file is gzipped, as its size is unknown
            until it is read.
    """
    header, shape = _header(file, path)
    expected = len(header) + math.prod(shape)
    if size is not None and size != expected:
        raise _wrong_size(path, shape, expected, f"{size:,} bytes", too_long=size > expected)
    if shortage := memory_shortage(expected):
        raise UserError(f"{path}: the shape {shape} in its header requires {shortage}")
    content = _read_up_to(file, expected + 1 - len(header), header)
    if len(content) != expected:
        too_long = len(content) > expected
        found = f"more than {expected:,} bytes" if too_long else f"{len(content):,} bytes"
        raise _wrong_size(path, shape, expected, found, too_long=too_long)
    array: NDArray[np.uint8] = idx2numpy.convert_from_file(io.BytesIO(content))
    return array


def _header(file: BinaryIO, path: Path) -> tuple[bytes, tuple[int, ...]]:
    """Return the bytes of the header and the shape that they encode."""
    magic = file.read(HEADER)
    if len(magic) < HEADER or magic[:2] != b"\0\0":
        raise UserError(f"{path}: this is not an IDX file, which begins with two zero bytes")
    kind, dimensions = magic[2], magic[3]
    if kind != UINT8:
        raise UserError(
            f"{path}: the IDX array must have the data type 0x{UINT8:02x} (unsigned bytes), but"
            f" has 0x{kind:02x}"
        )
    if dimensions == 0:
        raise UserError(
            f"{path}: this is not an IDX file of images or labels, as it has no dimensions"
        )
    if dimensions > MAX_DIMENSIONS:
        raise UserError(
            f"{path}: the IDX array has {dimensions} dimensions, but at most {MAX_DIMENSIONS} are"
            " supported"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise UserError(
            f"{path}: the file is truncated: it has {HEADER + len(sizes)} bytes, but its header"
            f" alone takes {HEADER + 4 * dimensions}"
        )
    shape = struct.unpack(f">{dimensions}I", sizes)
    # NumPy refuses too large a shape even if one of its sizes is 0.
    if 0 in shape and math.prod(max(1, size) for size in shape) > sys.maxsize:
        raise UserError(
            f"{path}: the file is damaged: the shape {shape} in its header is impossible"
        )
    return magic + sizes, shape


def _read_up_to(file: BinaryIO, count: int, start: bytes) -> bytes:
    """Extend ``start`` by up to ``count`` bytes of a file, read in chunks to bound the memory."""
    chunks = [start]
    while count > 0 and (chunk := file.read(min(count, IDX_CHUNK))):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def _wrong_size(
    path: Path, shape: tuple[int, ...], expected: int, found: str, *, too_long: bool
) -> UserError:
    fault = "too long" if too_long else "truncated"
    return UserError(
        f"{path}: the file is {fault}: it has {found}, but the shape {shape} in its header"
        f" requires {expected:,} bytes"
    )
