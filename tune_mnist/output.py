"""Standard output that does not end the work: any character, a full disk, a reader that left."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TextIO

from tune_mnist.files import named

STANDARD_OUTPUT = "standard output"


def accept_all_characters(stream: TextIO | None) -> None:
    r"""Let a stream print what its encoding lacks as ``\xb7``: no character ends a search."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class UnfailingStream:
    """A stream whose failures do not end the work: a full disk under a log, a reader that left.

    What is printed is in the files of the results, too. The first failure is kept for the end of
    the command, see :func:`finish_output`.
    """

    failure: ClassVar[OSError | None] = None

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text if the stream can be written."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if it can be written."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def finish_output() -> None:
    """Flush standard output at the end of a command; a reader that has left it is no error.

    Raises:
        OSError: Something could not be written, as on a full disk.
    """
    failure, UnfailingStream.failure = UnfailingStream.failure, None
    try:
        with named(STANDARD_OUTPUT):
            if sys.stdout is not None:
                sys.stdout.flush()
            if failure is not None:
                raise failure
    except OSError as error:
        _discard_output()
        if not isinstance(error, BrokenPipeError):
            raise


@contextmanager
def _kept_failure() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        UnfailingStream.failure = UnfailingStream.failure or error


def _discard_output() -> None:
    """Spare the interpreter another failure when it flushes standard output at its own end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
