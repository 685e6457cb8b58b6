"""Notices of what a command is doing while it has no progress to show."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import click

from tune_mnist.quoting import printable

_shown = ContextVar("notices_shown", default=False)


@contextmanager
def notices_shown() -> Iterator[None]:
    """Context manager that shows notices. Commands use it; the Python API prints none."""
    token = _shown.set(True)
    try:
        yield
    finally:
        _shown.reset(token)


def notice(doing: str) -> None:
    """Print what takes the next seconds on standard error, if a command runs in a terminal.

    Somebody who watches a terminal would otherwise think that the command hangs. Log files, pipes,
    notebooks and callers of the Python API get no notices, and errors remain the only lines of
    their standard error.

    Args:
        doing: What the command does, beginning with a participle, such as "starting Ray".
    """
    if not _shown.get() or sys.stderr is None:
        return
    with suppress(OSError, ValueError):  # the terminal or the stream was closed
        if sys.stderr.isatty():
            click.echo(f"{printable(doing)} ...", err=True)
