"""What is printed, for a terminal of any width and for logs."""

import os
import sys
from collections.abc import Iterable
from datetime import timedelta
from importlib.util import find_spec
from typing import IO, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from tune_mnist.output import UnfailingStream, accept_all_characters
from tune_mnist.quoting import printable

LOG_WIDTH = 160


class SafeConsole(Console):
    """A console that shows control characters of what it prints, and sends none of them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, with control characters of texts escaped; Rich's own go through."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=printable(segment.text, keep="\n\t"))


def clock(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def report_console(stream: TextIO | None = None) -> Console:
    """Return a console as wide as the terminal, or wide enough for logs.

    It draws and redraws only for a person who watches: FORCE_COLOR asks for colours in a log, and
    TERM=dumb says that a terminal cannot redraw (``is_interactive``). In a notebook that has
    ipywidgets it redraws below the cell.

    Args:
        stream: Where it prints; None: standard output, or the cell of a notebook.
    """
    if stream is None and redraws_in_cell():
        return SafeConsole(force_interactive=True)
    stream = sys.stdout if stream is None else stream
    accept_all_characters(stream)
    file = cast("IO[str]", UnfailingStream(stream))
    if stream is not None and stream.isatty():
        return SafeConsole(file=file)
    return SafeConsole(
        file=file,
        width=None if os.environ.get("COLUMNS") else LOG_WIDTH,  # Rich reads COLUMNS
        force_terminal=False,
        force_interactive=False,
        highlight=False,  # colours within a line would keep grep from finding its text
        color_system="standard" if os.environ.get("FORCE_COLOR") else None,
    )


def redraws_in_cell() -> bool:
    """Return whether this process is a notebook's kernel, and Rich can redraw in its cells."""
    return "IPython" in sys.modules and Console().is_jupyter and bool(find_spec("ipywidgets"))


def print_facts(console: Console, facts: dict[str, str]) -> None:
    """Print what is done on what: one line a fact in logs, a folded table elsewhere."""
    width = max(map(len, facts))
    if not (console.is_terminal or console.is_jupyter):
        for key, value in facts.items():
            console.print(f"{key:<{width}} {value}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(key, value)
    console.print(table, markup=False, highlight=False)
