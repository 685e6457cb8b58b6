"""Standard output whose errors, such as a full disk or a closed pipe, do not abort a run."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TextIO

from tune_mnist.files import named

STANDARD_OUTPUT = "standard output"


def accept_all_characters(stream: TextIO | None) -> None:
    r"""Configure a stream to escape characters that its encoding lacks, for example as ``\xb7``.

    Args:
        stream: Stream to configure. If None, as in a process without a console, nothing is done.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class UnfailingStream:
    """Stream that defers write errors, such as those of a full disk or a closed pipe.

    A run continues after such an error, because its results are also written to the results
    folder. ``finish_output`` raises the first deferred error at the end of the command.
    """

    failure: ClassVar[OSError | None] = None

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text and defer an error of the stream."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream and defer an error of the stream."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def finish_output() -> None:
    """Flush standard output at the end of a command and raise a deferred write error.

    A pipe that was closed by its reader is not an error.

    Raises:
        OSError: Output could not be written, for example to a full disk.
    """
    failure, UnfailingStream.failure = UnfailingStream.failure, None
    try:
        with named(STANDARD_OUTPUT):
            if sys.stdout is not None:
                sys.stdout.flush()
            if failure is not None:
                raise failure
    except OSError as error:
        with suppress(OSError, ValueError):
            to_null_device(sys.stdout.fileno())  # so that the flush at the exit succeeds
        if not isinstance(error, BrokenPipeError):
            raise


def to_null_device(descriptor: int) -> None:
    """Redirect a file descriptor to the null device, so that every write succeeds."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextmanager
def _kept_failure() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        UnfailingStream.failure = UnfailingStream.failure or error
