"""Comparison tables for the terminal, Markdown, CSV and LaTeX."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.quoting import printable
from tune_mnist.reporting.markup import latex, markdown
from tune_mnist.reporting.spread import CONFIDENCE
from tune_mnist.training import CONFIG_COLUMNS, HYPERPARAMETERS, hyperparameter, ordered_keys

CONFIG = "hyperparameters"
"""Stands for all hyperparameters except the model in a list of columns."""

COLUMNS = {
    "full_val_accuracy": "on all validation images",
    "test": "test accuracy",
    "test_accuracy": "test accuracy",
    "interval": f"{CONFIDENCE:.0%} interval",
    "over_seeds": f"{CONFIDENCE:.0%} interval over the seeds",
    "over_images": f"{CONFIDENCE:.0%} interval over the images",
    "best_epoch": "best epoch",
    "mflops": "MFLOPs per image",
    "images_per_second": "images/s",
    "epoch_seconds": "s per epoch",
    "best_seconds": "s to best",
    "train_seconds": "seconds",
    "train_images": "training images",
    "best_ever": "best of all epochs",
    "true_class": "class",
    "taken_for": "classified as",
    "calibration_error": "ECE",
    "scaled_error": "scaled ECE",
}
"""Headings that differ from the column's name. Hyperparameters declare their own."""

FORMATS = {
    "val_accuracy": "{:.4f}",
    "full_val_accuracy": "{:.4f}",
    "test_accuracy": "{:.4f}",
    "images_per_second": "{:,.0f}",
    "train_seconds": "{:,.1f}",
    "epoch_seconds": "{:,.1f}",
    "best_seconds": "{:,.1f}",
    "parameters": "{:,.0f}",
    "mflops": "{:,.2f}",
    "train_images": "{:,.0f}",
    "median": "{:.4f}",
    "best": "{:.4f}",
    "best_ever": "{:.4f}",
    "diverged": "{:.0%}",
    "share": "{:.2%}",
    "recall": "{:.4f}",
    "stage": "{:.0f}",
    "calibration_error": "{:.4f}",
    "scaled_error": "{:.4f}",
    "temperature": "{:.2f}",
}
SELECTED_HEADINGS = {"val_accuracy": "val_accuracy (selected)"}
"""Heading of accuracies that are the highest of several trials or networks."""

MISSING = "-"
DIVERGED_CELL = "diverged"
CONFIGURATION = "configuration"
"""Heading of the column that holds all hyperparameters."""

_SPREAD = {"test": ("test_accuracy", "test_sd"), "interval": ("test_low", "test_high")}
"""Columns of text, each with the columns that hold the numbers in the text."""

_PROSE = ("search", CONFIGURATION, "data", "image size", "hardware")
_PROSE_WIDTH = (0.3, 0.75)
"""Fraction of the page width for columns of prose: for a single column, for several in total."""

_BY_HEADING = {
    declared.heading or name: declared
    for name, declared in HYPERPARAMETERS.items()
    if name in CONFIG_COLUMNS
}
_TEXTS = (
    *_PROSE,
    *("state", "network", "class", "parameter", "value", "better", "worse", "verdict"),
    *(heading for heading, declared in _BY_HEADING.items() if not declared.numeric),
)


@dataclass(frozen=True)
class Comparison:
    """Table that compares trials, configurations or searches.

    Attributes:
        title: Title, which states what the table compares.
        cells: Formatted cells, with headings as column names.
        caption: One-line explanation of the columns shown in a terminal, which may be empty.
        name: File name of the table, without suffix.
        values: Table with unformatted values for the ``.csv`` file. If None, the cells are
            written.
        folded: Whether all hyperparameters are shown in one column in a terminal, to save width.
        files_only: Headings of columns that are not shown in a terminal.
        group: Heading of the column that groups consecutive rows with equal values. Empty if there
            are no groups.
        files_caption: Explanation of the columns that are not shown in a terminal.
    """

    title: str
    cells: pd.DataFrame
    caption: str = ""
    name: str = ""
    values: pd.DataFrame | None = None
    folded: bool = False
    files_only: tuple[str, ...] = ()
    group: str = ""
    files_caption: str = ""

    @property
    def full_caption(self) -> str:
        """Explanation of all columns, for files that show all of them."""
        return f"{self.caption}{self.files_caption}"

    def to_rich(self) -> Group:
        """Format the table for a terminal."""
        shown = self._narrowed()
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in shown.columns:
            prose = heading in _PROSE
            # A cell of one word is cut in a narrow terminal if its column may wrap.
            words = shown[heading].str.contains(" ", regex=False).any()
            table.add_column(
                heading if prose else _narrow(heading, shown[heading]),
                justify="left" if _is_text(heading, shown[heading]) else "right",
                no_wrap=not prose and not words and heading != self.group,
                overflow="fold",
                ratio=1 if heading == CONFIGURATION else None,
            )
        if self.group:
            shown[self.group] = shown[self.group].where(~self.continues(), "")
        for row in shown.itertuples(index=False):
            table.add_row(*(Text(cell) for cell in row))
        parts: list[RenderableType] = [Text(self.title, style="bold"), table]
        if self.caption:
            caption = Text(self.caption, style="dim")
            parts.append(Padding(caption, (0, 0, 1, 0), expand=False))
        return Group(*parts)

    def _narrowed(self) -> pd.DataFrame:
        """Return the cells to show in a terminal or on paper, where width is limited."""
        shown = self.cells.drop(columns=[h for h in self.files_only if h in self.cells])
        return fold(shown) if self.folded else shown

    def continues(self) -> "pd.Series[bool]":
        """Return for each row whether it belongs to the same group as the row above it."""
        return self.cells[self.group].eq(self.cells[self.group].shift())

    def to_markdown(self) -> str:
        """Format the table as a Markdown section."""
        caption = f"{self.full_caption}\n\n" if self.full_caption else ""
        sides = [
            "left" if _is_text(str(heading), self.cells[heading]) else "right"
            for heading in self.cells
        ]
        cells = self.cells.map(markdown).to_markdown(
            index=False, disable_numparse=True, colalign=sides
        )
        return f"## {self.title}\n\n{caption}{cells}\n"

    def to_csv(self) -> str:
        """Format the table as CSV. Numbers have all digits, missing values are empty fields."""
        values = self.cells if self.values is None else self.values
        # A missing value makes pandas convert integers to floats; convert_dtypes reverts that.
        return values.convert_dtypes().to_csv(index=False)

    def to_latex(self, setting: str = "") -> str:
        """Format the table as LaTeX (package ``booktabs``), with the columns shown in a terminal.

        Args:
            setting: Search settings to append to the caption, or an empty string.
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
    group: str = "",
    headings: Mapping[str, str] = MappingProxyType({}),
    files_caption: str = "",
) -> Comparison:
    """Build a comparison table from rows of unformatted values.

    Columns that are missing or have no value in any row are left out.

    Args:
        name: File name of the table, without suffix.
        title: Title, which states what the table compares.
        rows: Rows with unformatted values.
        columns: Columns to show, from left to right. CONFIG stands for all hyperparameters.
        caption: One-line explanation, which may be empty.
        folded: Whether all hyperparameters are shown in one column in a terminal.
        files_only: Columns that are not shown in a terminal.
        group: Column that groups consecutive rows with equal values. If empty, there are no
            groups.
        headings: Headings that replace the usual ones in this table, keyed by column.
        files_caption: Explanation of the columns that are not shown in a terminal, which follows
            the caption.
    """
    config = [key for key in ordered_keys(map(str, rows)) if key != "model"]
    named = [key for column in columns for key in (config if column == CONFIG else [column])]
    shown = [column for column in named if column in rows and rows[column].notna().any()]
    names = {
        column: headings.get(column, column_heading(column)) for column in (*shown, *files_only)
    }
    cells = {names[column]: [cell(column, value) for value in rows[column]] for column in shown}
    values = rows[[number for column in shown for number in _SPREAD.get(column, (column,))]]
    hidden = tuple(names[column] for column in files_only)
    grouped = column_heading(group) if group else ""
    shown_cells = pd.DataFrame(cells)
    return Comparison(
        title, shown_cells, caption, name, values, folded, hidden, grouped, files_caption
    )


def cell(column: str, value: Any) -> str:
    """Format a value as text in the format of its column."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, str):
        return value
    if value == float("-inf"):
        return DIVERGED_CELL
    if column in FORMATS:
        return FORMATS[column].format(value)
    return hyperparameter(column).show(value)


def column_heading(column: str) -> str:
    """Return the heading of a column."""
    return COLUMNS.get(column) or hyperparameter(column).heading or column


def _is_text(heading: str, cells: pd.Series) -> bool:
    """Return whether a column contains text and is therefore aligned to the left."""
    if heading.startswith(MODEL_PREFIX):
        # The type of an architecture's keyword arguments is not declared.
        return bool(pd.to_numeric(cells[cells != MISSING], errors="coerce").isna().any())
    return heading in _TEXTS


def _narrow(heading: str, cells: pd.Series) -> str:
    """Wrap a heading to the width of its cells or of its longest word."""
    return "\n".join(wrap(heading, max(map(len, [*heading.split(), *cells]))))


def _latex_columns(shown: pd.DataFrame) -> str:
    """Return the LaTeX column specification. Columns of prose get a width, so that they wrap."""
    prose = [str(heading) for heading in shown if heading in _PROSE]
    width = _PROSE_WIDTH[len(prose) > 1] / max(len(prose), 1)
    kinds = dict.fromkeys(prose, f"p{{{width:.2f}\\linewidth}}")
    return "".join(
        kinds.get(str(name), "l" if _is_text(str(name), shown[name]) else "r") for name in shown
    )


def fold(cells: pd.DataFrame) -> pd.DataFrame:
    """Merge all hyperparameter columns of a table into one column."""
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
