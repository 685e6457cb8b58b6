"""Output of result tables: on the console, as CSV and as Markdown."""

from pathlib import Path

import pandas as pd
from rich.table import Table

from tune_mnist.console import report_console
from tune_mnist.environment import describe_hardware
from tune_mnist.files import write_text


def show_and_write(frame: pd.DataFrame, stem: Path, title: str) -> None:
    """Print a table, and write it as ``<stem>.csv`` and ``<stem>.md``.

    Args:
        frame: Table with one row per measurement; floats are shown with four significant digits.
        stem: Path of both files without extension; the folder is created if it does not exist.
        title: Title of the table; a description of the machine follows it.
    """
    shown = frame.map(_text)
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(
            str(name).replace("_", "\n"), justify="right" if numeric else "left", no_wrap=True
        )
    for row in shown.itertuples(index=False):
        table.add_row(*row)
    report_console().print(table)
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_text(stem.with_suffix(".csv"), frame.to_csv(index=False))
    note = f"{title}. Machine: {describe_hardware()}.\n\n"
    markdown = shown.to_markdown(index=False, disable_numparse=True)
    write_text(stem.with_suffix(".md"), note + markdown + "\n")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
