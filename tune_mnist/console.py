"""What is printed, for a terminal of any width and for logs."""

from datetime import timedelta

from rich.console import Console
from rich.table import Table

LOG_WIDTH = 160


def clock(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def report_console() -> Console:
    """Return a console as wide as the terminal, or wide enough for logs."""
    console = Console()
    if not console.is_terminal:
        console.width = LOG_WIDTH
    return console


def print_facts(console: Console, facts: dict[str, str]) -> None:
    """Print what is done on what: one line a fact in logs, folded under itself in a terminal."""
    width = max(map(len, facts))
    if not console.is_terminal:
        for key, value in facts.items():
            console.print(f"{key:<{width}} {value}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(key, value)
    console.print(table, markup=False, highlight=False)
