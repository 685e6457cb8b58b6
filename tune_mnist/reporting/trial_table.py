"""Table of all trials on the report page: columns, cells and sort keys."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tune_mnist.reporting.column_widths import TABLE_WIDTH, WRAPPED_WIDTH, column_width, wraps
from tune_mnist.reporting.tables import MISSING
from tune_mnist.training import hyperparameter, ordered_keys

OTHER = "other settings"


@dataclass(frozen=True)
class Column:
    """Column of the table of trials.

    Attributes:
        key: Name of the column in the data frame of trials.
        heading: Column heading.
        show: Function that formats a value.
        numeric: Whether the column is sorted numerically and aligned to the right.
        wraps: Whether long cells wrap onto several lines.
    """

    key: str
    heading: str
    show: Callable[[Any], str] = str
    numeric: bool = True
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


def _formatted(pattern: str) -> Callable[[Any], str]:
    return lambda value: pattern.format(value)


def _hyperparameter(key: str, numeric: bool) -> Column:
    declared = hyperparameter(key)
    return Column(key, declared.heading or key, declared.show, numeric)


_BEFORE = (
    Column("search", "search", numeric=False),
    Column("trial", "trial", _formatted("{:d}")),
    Column("model", "model", numeric=False),
    Column("state", "state", numeric=False),
    Column("val_accuracy", "val_accuracy", _formatted("{:.4f}")),
    Column("best_epoch", "best epoch", _formatted("{:.0f}")),
    Column("epochs", "epochs", _formatted("{:.0f}")),
)
_FIDELITY = (
    _hyperparameter("image_size", numeric=True),
    Column("fraction", "fraction", _formatted("{:.4g}")),
)
_AFTER = (
    Column("exploits", "exploits", numeric=False),
    Column("train_seconds", "seconds", _formatted("{:,.1f}")),
    Column("images_per_second", "images/s", _formatted("{:,.0f}")),
    Column("parameters", "parameters", _formatted("{:,.0f}")),
)


def trial_table(trials: pd.DataFrame, filters: Sequence[str]) -> TrialTable:
    """Build the table of all trials for the report page.

    Settings that are the same in all trials get no column. If the other settings are too wide for
    the page, the last ones are merged into one column.

    Args:
        trials: Data frame with the columns of ``trials.csv``, one row per trial.
        filters: Keys of the columns that the page offers as filters.
    """
    said = trials.replace("", np.nan)
    settings = [
        *_FIDELITY,
        *(
            _hyperparameter(key, numeric=_all_numbers(trials[key]))
            for key in ordered_keys(map(str, trials))
            if key != "model"
        ),
    ]
    before, after, settings = (
        [column for column in columns if column.key in said and said[column.key].notna().any()]
        for columns in (_BEFORE, _AFTER, settings)
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
    constant = {column.heading: _text(column, trials[column.key].iloc[0]) for column in same}
    return TrialTable(
        [*before, *shown, *rest, *after],
        rows,
        constant,
        {key: sorted(set(trials[key].astype(str))) for key in filters},
    )


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
    if column.numeric or not wraps(_texts(column, trials)):
        return column
    return Column(column.key, column.heading, column.show, column.numeric, wraps=True)


def _texts(column: Column, trials: pd.DataFrame) -> list[str]:
    return [_text(column, value) for value in trials[column.key]]


def _is_constant(values: pd.Series) -> bool:
    return len(values) > 1 and bool(values.notna().all()) and values.nunique() == 1


def _text(column: Column, value: Any) -> str:
    return MISSING if _is_missing(value) else column.show(value)


def _cell(column: Column, row: dict[Any, Any]) -> Cell:
    value = row[column.key]
    if _is_missing(value):
        return Cell(MISSING, "")
    return Cell(column.show(value), repr(value) if column.numeric else str(value))


def _folded(columns: list[Column], row: dict[Any, Any]) -> Cell:
    """Merge several settings of a trial into one cell."""
    text = ", ".join(
        f"{column.heading} {column.show(row[column.key])}"
        for column in columns
        if not _is_missing(row[column.key])
    )
    return Cell(text or MISSING, text)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _all_numbers(values: pd.Series) -> bool:
    return not any(isinstance(value, str | bool) for value in values)
