"""Table of all trials on the report page: columns, cells and sort keys."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tune_mnist.reporting.column_widths import TABLE_WIDTH, WRAPPED_WIDTH, column_width, wraps
from tune_mnist.reporting.tables import MISSING, cell, column_heading
from tune_mnist.training import ordered_keys

OTHER = "other settings"

_BEFORE = ("search", "trial", "model", "state", "val_accuracy", "best_epoch", "epochs")
_FIDELITY = ("image_size", "fraction")
_AFTER = ("exploits", "train_seconds", "images_per_second", "parameters")


@dataclass(frozen=True)
class Column:
    """Column of the table of trials.

    Attributes:
        key: Name of the column in the data frame of trials.
        heading: Column heading.
        numeric: Whether the column is sorted numerically and aligned to the right.
        wraps: Whether long cells wrap onto several lines.
    """

    key: str
    heading: str
    numeric: bool
    wraps: bool = False


@dataclass(frozen=True)
class Cell:
    """Cell of the table of trials.

    Attributes:
        text: Text of the cell.
        order: Sort key of the cell. Cells with an empty key sort after all others.
    """

    text: str
    order: str


@dataclass(frozen=True)
class TrialTable:
    """Content of the table of trials.

    Attributes:
        columns: Columns from left to right.
        rows: Cells of each trial, in the order of the columns.
        constant: Settings that are the same in all trials and therefore get no column, keyed by
            heading.
        filters: Values that the table can be filtered by, keyed by column.
    """

    columns: list[Column]
    rows: list[list[Cell]]
    constant: dict[str, str]
    filters: dict[str, list[str]]

    @property
    def text(self) -> str:
        """All words of the table, one line for each heading and cell."""
        cells = (cell.text for row in self.rows for cell in row)
        return "\n".join([*(column.heading for column in self.columns), *cells])


def trial_table(trials: pd.DataFrame, filters: Sequence[str]) -> TrialTable:
    """Build the table of all trials for the report page.

    Settings that are the same in all trials get no column. If the other settings are too wide for
    the page, the last ones are merged into one column.

    Args:
        trials: Data frame with the columns of ``trials.csv``, one row per trial.
        filters: Keys of the columns that the page offers as filters.
    """
    said = trials.replace("", np.nan)
    keys = [*_FIDELITY, *(key for key in ordered_keys(map(str, trials)) if key != "model")]
    before, settings, after = (
        [_column(key, trials[key]) for key in part if key in said and said[key].notna().any()]
        for part in (_BEFORE, keys, _AFTER)
    )
    same = [column for column in settings if _is_constant(trials[column.key])]
    varying = [column for column in settings if column not in same]
    before, after = ([_with_wrap(column, trials) for column in part] for part in (before, after))
    shown = _fitting(varying, trials, TABLE_WIDTH - _width([*before, *after], trials))
    folded = [column for column in varying if column not in shown]
    rest = [Column(OTHER, OTHER, numeric=False, wraps=True)] if folded else []
    rows = [
        [
            *(_cell(column, row) for column in (*before, *shown)),
            *(_folded(folded, row) for _ in rest),
            *(_cell(column, row) for column in after),
        ]
        for row in trials.to_dict("records")
    ]
    constant = {each.heading: cell(each.key, trials[each.key].iloc[0]) for each in same}
    return TrialTable(
        [*before, *shown, *rest, *after],
        rows,
        constant,
        {key: sorted(set(trials[key].astype(str))) for key in filters},
    )


def _column(key: str, values: pd.Series) -> Column:
    numeric = not any(isinstance(value, str | bool) for value in values)
    return Column(key, column_heading(key), numeric)


def _fitting(settings: list[Column], trials: pd.DataFrame, width: float) -> list[Column]:
    """Return the settings that get their own columns within a total width in pixels."""
    if _width(settings, trials) <= width:
        return settings
    shown = []
    left = width - WRAPPED_WIDTH
    for column in settings:
        left -= _width([column], trials)
        if left < 0:
            break
        shown.append(column)
    return shown


def _width(columns: list[Column], trials: pd.DataFrame) -> float:
    return sum(column_width(each.heading, _texts(each, trials)) for each in columns)


def _with_wrap(column: Column, trials: pd.DataFrame) -> Column:
    return replace(column, wraps=not column.numeric and wraps(_texts(column, trials)))


def _texts(column: Column, trials: pd.DataFrame) -> list[str]:
    return [cell(column.key, value) for value in trials[column.key]]


def _is_constant(values: pd.Series) -> bool:
    return len(values) > 1 and bool(values.notna().all()) and values.nunique() == 1


def _cell(column: Column, row: dict[Any, Any]) -> Cell:
    value = row[column.key]
    if pd.isna(value):
        return Cell(MISSING, "")
    return Cell(cell(column.key, value), repr(value) if column.numeric else str(value))


def _folded(columns: list[Column], row: dict[Any, Any]) -> Cell:
    """Merge several settings of a trial into one cell."""
    text = ", ".join(
        f"{column.heading} {cell(column.key, row[column.key])}"
        for column in columns
        if pd.notna(row[column.key])
    )
    return Cell(text or MISSING, text)
