"""Consoles for terminals, log files and notebooks."""

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import IO, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tune_mnist.output import UnfailingStream, accept_all_characters
from tune_mnist.quoting import printable

LOG_WIDTH = 160

_INDENT = "  "
"""Indent of the second and all further lines of a wrapped text."""


class SafeConsole(Console):
    """Console that escapes control characters in the text it prints."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render a text with its control characters escaped, except the control codes of Rich."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=printable(segment.text, keep="\n\t"))


def report_console(stream: TextIO | None = None) -> Console:
    """Create a console for progress and tables, as wide as the terminal or 160 columns for a log.

    The console redraws its output (``is_interactive``) only in a terminal, unless TERM=dumb, and
    in a notebook cell if ipywidgets is installed. FORCE_COLOR adds colours to a log, but no
    redrawing.

    Args:
        stream: Stream to print to. If None, standard output or the notebook cell is used.
    """
    in_notebook = stream is None and "IPython" in sys.modules and Console().is_jupyter
    if in_notebook and find_spec("ipywidgets"):
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
        highlight=False,  # colour codes inside a text would hide it from grep
        color_system="standard" if os.environ.get("FORCE_COLOR") else None,
    )


def print_line(console: Console, line: str, *, highlight: bool | None = None) -> None:
    """Print a line, wrapped between words in a terminal or notebook, and unwrapped in a log.

    Args:
        console: Console to print to.
        line: Text to print.
        highlight: Whether to colour numbers and paths. If None, the console decides.
    """
    text = console.render_str(line, markup=False, emoji=False, highlight=highlight)
    if console.is_terminal or console.is_jupyter:
        width = max(console.width - len(_INDENT), 1)
        console.print(Text(f"\n{_INDENT}").join(text.wrap(console, width)))
    else:
        console.print(text, soft_wrap=True)


def print_facts(console: Console, facts: dict[str, str]) -> None:
    """Print labelled values, as a table in a terminal or notebook and as one line each in a log.

    Args:
        console: Console to print to.
        facts: Values to print, keyed by label. The order is kept.
    """
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
