"""The table of all trials on the page: what is shown of each, and what it is sorted by."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tune_mnist.training import hyperparameter, ordered_keys

MISSING = "-"


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: of the column in the table of trials.
        heading: what stands over it.
        show: turns a value into text.
        numeric: whether it is sorted, and set, as a number.
    """

    key: str
    heading: str
    show: Callable[[Any], str] = str
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell of the table.

    Attributes:
        text: what is shown.
        order: what it is sorted by; empty: after all others.
    """

    text: str
    order: str


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
    _hyperparameter("image_size", numeric=True),
    Column("fraction", "fraction", _formatted("{:.4g}")),
)
_AFTER = (
    Column("exploits", "exploits", numeric=False),
    Column("train_seconds", "seconds", _formatted("{:,.1f}")),
    Column("images_per_second", "images/s", _formatted("{:,.0f}")),
    Column("parameters", "parameters", _formatted("{:,.0f}")),
)


def columns(trials: pd.DataFrame) -> list[Column]:
    """Return the columns that say anything."""
    said = trials.replace("", np.nan)
    config = [
        _hyperparameter(key, numeric=_all_numbers(trials[key]))
        for key in ordered_keys(map(str, trials))
        if key != "model"
    ]
    return [
        column
        for column in (*_BEFORE, *config, *_AFTER)
        if column.key in said and said[column.key].notna().any()
    ]


def rows(trials: pd.DataFrame) -> list[list[Cell]]:
    """Return the cells of each trial, in those columns."""
    return [
        [_cell(column, row[column.key]) for column in columns(trials)]
        for row in trials.to_dict("records")
    ]


def choices(trials: pd.DataFrame, keys: Sequence[str]) -> dict[str, list[str]]:
    """Return by key what its column can be narrowed to."""
    return {key: sorted(set(trials[key].astype(str))) for key in keys}


def _cell(column: Column, value: Any) -> Cell:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell(MISSING, "")
    return Cell(column.show(value), repr(value) if column.numeric else str(value))


def _all_numbers(values: pd.Series) -> bool:
    return not any(isinstance(value, str | bool) for value in values)
