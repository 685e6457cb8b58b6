"""Columns of the live table for the hyperparameters in which trials differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from tune_mnist.quoting import printable
from tune_mnist.training import hyperparameter, ordered_keys, short_number

GAP = 2
"""Space between two columns in characters."""


@dataclass(frozen=True)
class ParameterColumns:
    """Hyperparameters of the live table, divided by where they are shown.

    Attributes:
        shown: Headings of the columns, keyed by hyperparameter.
        hidden: Short names of the hyperparameters for whose columns the terminal is too narrow.
        constant: Values that all trials have in common.
    """

    shown: dict[str, str]
    hidden: list[str]
    constant: dict[str, Any]

    def cells(self, config: dict[str, Any]) -> list[str]:
        """Return the cells of a trial. Hyperparameters that it does not have get empty cells."""
        return [_cell(config, key) for key in self.shown]


def parameter_columns(configs: Sequence[dict[str, Any]], width: int) -> ParameterColumns:
    """Choose the hyperparameters that get a column, in display order.

    A value that several trials have in common gets no column, because it says nothing about their
    differences.

    Args:
        configs: Configuration of each trial.
        width: Width for all columns in characters, including the gaps before them.
    """
    keys = ordered_keys(key for config in configs for key in config)
    same = [key for key in keys if len(configs) > 1 and _is_constant(configs, key)]
    shown: dict[str, str] = {}
    hidden = []
    for key in keys:
        if key in same:
            continue
        heading = hyperparameter(key).short_name or key
        needed = GAP + max(
            cell_len(text) for text in (heading, *(_cell(each, key) for each in configs))
        )
        if needed > width:
            hidden.append(heading)
        else:
            shown[key] = heading
            width -= needed
    return ParameterColumns(shown, hidden, {key: configs[0][key] for key in same})


def _is_constant(configs: Sequence[dict[str, Any]], key: str) -> bool:
    return all(key in config and config[key] == configs[0][key] for config in configs)


def _cell(config: dict[str, Any], key: str) -> str:
    return printable(short_number(config[key])) if key in config else ""
