"""The form of a comparison table: cells to read, values to compute with, and four ways out."""

from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.quoting import printable
from tune_mnist.reporting.markup import latex, markdown
from tune_mnist.training import (
    CONFIG_COLUMNS,
    HYPERPARAMETERS,
    hyperparameter,
    ordered_keys,
)

CONFIG = "hyperparameters"
"""Stands in a list of columns for all hyperparameters of the rows, except the model."""

COLUMNS = {
    "full_val_accuracy": "on all validation images",
    "test": "test accuracy",
    "interval": "95 % interval",
    "best_epoch": "best epoch",
    "mflops": "MFLOPs an image",
    "images_per_second": "images/s",
    "epoch_seconds": "s an epoch",
    "best_seconds": "s to best",
    "train_seconds": "seconds",
    "train_images": "training images",
    "best_ever": "best of all epochs",
    "true_class": "class",
    "taken_for": "taken for",
}
"""Headings of columns, where not the name; those of hyperparameters are declared with them."""

FORMATS = {
    "val_accuracy": "{:.4f}",
    "full_val_accuracy": "{:.4f}",
    "test_accuracy": "{:.4f}",
    "images_per_second": "{:,.0f}",
    "train_seconds": "{:.1f}",
    "epoch_seconds": "{:.1f}",
    "best_seconds": "{:.1f}",
    "parameters": "{:,.0f}",
    "mflops": "{:,.2f}",
    "train_images": "{:,.0f}",
    "median": "{:.4f}",
    "best": "{:.4f}",
    "best_ever": "{:.4f}",
    "diverged": "{:.0%}",
    "share": "{:.2%}",
    "stage": "{:.0f}",
}
MISSING = "-"
DIVERGED = "diverged"
CONFIGURATION = "configuration"
"""Heading of the hyperparameters where a terminal shows them in one column."""

_SPREAD = {"test": ("test_accuracy", "test_sd"), "interval": ("test_low", "test_high")}
"""Columns that are texts for people, and the numbers that they are made of."""

_PROSE = ("search", CONFIGURATION, "data", "image size", "hardware")
_PROSE_WIDTH = (0.3, 0.75)
"""Share of a page's width that prose takes: one column of it, several together."""

_BY_HEADING = {
    declared.heading or name: declared
    for name, declared in HYPERPARAMETERS.items()
    if name in CONFIG_COLUMNS
}
_TEXTS = (
    *_PROSE,
    *("state", "class"),
    *(heading for heading, declared in _BY_HEADING.items() if not declared.numeric),
)


@dataclass(frozen=True)
class Comparison:
    """One comparison table.

    Attributes:
        title: what it compares.
        cells: one row a line, all cells ready to print, headings as column names.
        caption: how to read it, in one line; may be empty.
        name: of its files, without ending.
        values: the same as numbers, for ``.csv``; None: the cells.
        folded: whether a terminal shows hyperparameters in one column, to save width.
        files_only: headings of columns that a terminal has no room for.
    """

    title: str
    cells: pd.DataFrame
    caption: str = ""
    name: str = ""
    values: pd.DataFrame | None = None
    folded: bool = False
    files_only: tuple[str, ...] = ()

    def to_rich(self) -> Group:
        """Return the table for a terminal."""
        shown = self._narrowed()
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in shown.columns:
            prose = heading in _PROSE
            table.add_column(
                heading if prose else _narrow(heading, shown[heading]),
                justify="left" if _is_text(heading, shown[heading]) else "right",
                no_wrap=not prose,
                overflow="fold",
                ratio=1 if heading == CONFIGURATION else None,
            )
        for row in shown.itertuples(index=False):
            table.add_row(*(Text(cell) for cell in row))
        caption = (
            [Padding(Text(self.caption, style="dim"), (0, 0, 1, 0), expand=False)]
            if self.caption
            else []
        )
        return Group(Text(self.title, style="bold"), table, *caption)

    def _narrowed(self) -> pd.DataFrame:
        """Return the cells for where width is short."""
        shown = self.cells.drop(columns=[h for h in self.files_only if h in self.cells])
        return _fold(shown) if self.folded else shown

    def to_markdown(self) -> str:
        """Return the table as a Markdown section."""
        caption = f"{self.caption}\n\n" if self.caption else ""
        sides = [
            "left" if _is_text(str(heading), self.cells[heading]) else "right"
            for heading in self.cells
        ]
        cells = self.cells.map(markdown).to_markdown(
            index=False, disable_numparse=True, colalign=sides
        )
        return f"## {self.title}\n\n{caption}{cells}\n"

    def to_csv(self) -> str:
        """Return the table for programs: numbers in full, nothing where there is none."""
        values = self.cells if self.values is None else self.values
        # A missing value makes pandas turn whole numbers into floats; this turns them back.
        return values.convert_dtypes().to_csv(index=False)

    def to_latex(self, setting: str = "") -> str:
        """Return the table for LaTeX, as narrow as in a terminal; it needs the package booktabs.

        Args:
            setting: what was done on what; a table in a paper stands without the summary.
        """
        parts = (part.rstrip(".") for part in (self.title, self.caption, setting) if part)
        shown = self._narrowed().map(printable)
        text = shown.to_latex(
            index=False,
            escape=True,
            caption=latex(". ".join(parts)) + ".",
            label=f"tab:{self.name}",
            position="htbp",
            column_format=_latex_columns(shown),
        )
        narrow = "\\small\n\\setlength{\\tabcolsep}{3pt}\n"
        return text.replace("±", r"$\pm$").replace(r"\begin{tabular}", narrow + r"\begin{tabular}")


def comparison(
    name: str,
    title: str,
    rows: pd.DataFrame,
    columns: tuple[str, ...],
    caption: str = "",
    *,
    folded: bool = False,
    files_only: tuple[str, ...] = (),
) -> Comparison:
    """Make a table of the columns that say anything.

    Args:
        name: of its files, without ending.
        title: what it compares.
        rows: one row a line, numbers as numbers.
        columns: which to show, in this order; those that are missing or empty are left out. CONFIG
            stands for all hyperparameters.
        caption: how to read it, in one line.
        folded: whether a terminal shows hyperparameters in one column.
        files_only: columns that a terminal has no room for.
    """
    config = [key for key in ordered_keys(map(str, rows)) if key != "model"]
    named = [key for column in columns for key in (config if column == CONFIG else [column])]
    shown = [column for column in named if column in rows and rows[column].notna().any()]
    cells = pd.DataFrame(
        {_heading(column): [cell(column, value) for value in rows[column]] for column in shown}
    )
    numbers = [number for column in shown for number in _SPREAD.get(column, (column,))]
    hidden = tuple(_heading(column) for column in files_only)
    return Comparison(title, cells, caption, name, rows[numbers], folded, hidden)


def cell(column: str, value: Any) -> str:
    """Return a value as people read it in that column."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, str):
        return value
    if value == float("-inf"):
        return DIVERGED
    if column in FORMATS:
        return FORMATS[column].format(value)
    return hyperparameter(column).show(value)


def _heading(column: str) -> str:
    """Return the heading of a column."""
    return COLUMNS.get(column) or hyperparameter(column).heading or column


def _is_text(heading: str, cells: pd.Series) -> bool:
    """Return whether a column is set as text, to the left."""
    if heading.startswith(MODEL_PREFIX):
        # Keywords of an architecture are numbers or names, which only their values tell.
        return bool(pd.to_numeric(cells[cells != MISSING], errors="coerce").isna().any())
    return heading in _TEXTS


def _narrow(heading: str, cells: pd.Series) -> str:
    """Break a heading into lines no wider than its cells or its longest word."""
    return "\n".join(wrap(heading, max(map(len, [*heading.split(), *cells]))))


def _latex_columns(shown: pd.DataFrame) -> str:
    """Return how LaTeX sets the columns: prose in lines of a width, so that it breaks."""
    prose = [str(heading) for heading in shown if heading in _PROSE]
    width = _PROSE_WIDTH[len(prose) > 1] / max(len(prose), 1)
    kinds = dict.fromkeys(prose, f"p{{{width:.2f}\\linewidth}}")
    return "".join(
        kinds.get(str(name), "l" if _is_text(str(name), shown[name]) else "r") for name in shown
    )


def _fold(cells: pd.DataFrame) -> pd.DataFrame:
    """Put the hyperparameters into one column."""
    config = {
        heading: hyperparameter(_BY_HEADING[heading].name if heading in _BY_HEADING else heading)
        for heading in map(str, cells)
        if heading != "model" and (heading in _BY_HEADING or heading.startswith(MODEL_PREFIX))
    }
    words = [
        ", ".join(
            f"{heading} {row[heading]}" if declared.label != "" else row[heading]
            for heading, declared in config.items()
            if row[heading] != MISSING
        )
        for _, row in cells.iterrows()
    ]
    return cells.drop(columns=list(config)).assign(**{CONFIGURATION: words})
