"""Notices of what a command is doing while it has no progress to show."""

import sys
from contextlib import suppress

import click

from tune_mnist.quoting import printable


def notice(doing: str) -> None:
    """Print what takes the next seconds on standard error, if it is a terminal.

    Somebody who watches a terminal would otherwise think that the command hangs. Log files, pipes
    and notebooks get no notices, and errors remain the only lines of their standard error.

    Args:
        doing: What the command does, beginning with a participle, such as "starting Ray".
    """
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(OSError):  # the terminal was closed
            click.echo(f"{printable(doing)} ...", err=True)
