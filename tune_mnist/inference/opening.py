"""Opening of files and pipes with limits on waiting time and memory."""

import io
import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tune_mnist.errors import UserError

MAX_PIPE_BYTES = 256 << 20
PIPE_SECONDS = 10.0
"""Maximum time to wait for a writer to open a pipe, in seconds."""

WRITER_SECONDS = 600.0
"""Maximum time to wait for a writer to write the next bytes, in seconds."""

PIPE_CHUNK = 1 << 16


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Context manager that opens a file as a seekable file. Pipes are first read to their end.

    Args:
        path: Path of a file, or of a pipe such as ``/dev/stdin``.

    Raises:
        UserError: The path does not exist or is neither a file nor a pipe, or no data arrives
            through the pipe in time.
    """
    try:
        # Without O_NONBLOCK, opening a pipe without a writer blocks forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISREG(mode):
                yield file
            elif stat.S_ISFIFO(mode):
                yield io.BytesIO(_read_pipe(descriptor, path))
            elif stat.S_ISDIR(mode):
                raise UserError(f"{path}: cannot be read: Is a directory")
            else:
                raise UserError(f"{path} must be a file or a pipe, but is a device")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _read_pipe(descriptor: int, path: Path) -> bytes:
    """Read until all writers have closed the pipe."""
    chunks: list[bytes] = []
    size, last = 0, time.monotonic()
    while True:
        patience = PIPE_SECONDS
        try:
            chunk = os.read(descriptor, PIPE_CHUNK)
        except BlockingIOError:  # a writer has opened the pipe but written nothing yet
            patience = WRITER_SECONDS
            select.select([descriptor], [], [], 1.0)
        else:
            if chunk:
                chunks.append(chunk)
                size, last = size + len(chunk), time.monotonic()
            elif size:
                return b"".join(chunks)
            else:
                time.sleep(0.05)  # no writer has opened the pipe yet
        if size > MAX_PIPE_BYTES:
            raise UserError(
                f"{path}: more than {MAX_PIPE_BYTES:,} bytes arrived through the pipe: use a file"
            )
        if time.monotonic() - last > patience:
            raise UserError(
                f"{path}: no data arrived through the pipe for {patience:.0f} s: use a file"
            )
