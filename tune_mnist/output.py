"""Standard output whose failures do not abort a run: full disks, closed pipes, any encoding."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TextIO

from tune_mnist.files import named

STANDARD_OUTPUT = "standard output"


def accept_all_characters(stream: TextIO | None) -> None:
    r"""Make a stream print characters that its encoding lacks as escapes such as ``\xb7``."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class UnfailingStream:
    """Stream that swallows write errors, such as a full disk or a closed pipe.

    All that is printed is also in the results folder, so the run continues. The first error is
    raised at the end of the command by ``finish_output``.
    """

    failure: ClassVar[OSError | None] = None

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, ignoring errors of the stream."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, ignoring its errors."""
        if self._stream is not None:
            with _kept_failure():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def finish_output() -> None:
    """Flush standard output at the end of a command. A closed pipe is no error.

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
    """Redirect standard output to the null device, so that the final flush succeeds."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
