"""Files and pipes that a user names, opened with bounds on the wait and on the memory."""

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
"""How long to wait for somebody to open the other end of a pipe."""
WRITER_SECONDS = 600.0
"""How long to wait for the next bytes of a writer that holds the other end."""
CHUNK = 1 << 16


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or read a pipe such as ``/dev/stdin`` to its end; what is given can seek.

    Raises:
        UserError: The path is missing, neither a file nor a pipe, or nothing comes through it.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to blocks without end.
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
                raise UserError(f"{path}: is a device: give a file or a pipe")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def _read_pipe(descriptor: int, path: Path) -> bytes:
    """Read until all writers have closed the pipe."""
    chunks: list[bytes] = []
    size, last = 0, time.monotonic()
    while True:
        patience = PIPE_SECONDS
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:  # somebody holds the other end and has written nothing yet
            patience = WRITER_SECONDS
            select.select([descriptor], [], [], 1.0)
        else:
            if chunk:
                chunks.append(chunk)
                size, last = size + len(chunk), time.monotonic()
            elif size:
                return b"".join(chunks)
            else:
                time.sleep(0.05)  # nobody holds the other end yet
        if size > MAX_PIPE_BYTES:
            raise UserError(
                f"{path}: more than {MAX_PIPE_BYTES:,} bytes came through this pipe: give a file"
            )
        if time.monotonic() - last > patience:
            raise UserError(
                f"{path}: nothing came through this pipe for {patience:.0f} s: give a file"
            )
