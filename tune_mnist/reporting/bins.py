"""Grouping of a hyperparameter's values, so that the groups are large enough to compare."""

import math
from bisect import bisect_right
from typing import Any, NamedTuple

from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter, IntParameter

MAX_VALUES = 8
"""Maximum number of possible values that get one group each."""

MAX_BINS = 5


class Group(NamedTuple):
    """Group of hyperparameter values that share a row of a table.

    Attributes:
        place: Index among the groups of the hyperparameter, for sorting.
        label: Text that describes the values, such as ``adam`` or ``1e-4 to 1e-3``.
    """

    place: int
    label: str


def group_of(parameter: FloatParameter | IntParameter | CategoricalParameter, value: Any) -> Group:
    """Return the group that a hyperparameter value belongs to.

    Each choice of a categorical parameter is a group of its own, and so is each value of a
    numeric parameter with at most MAX_VALUES possible values. Other ranges are divided into
    decades if the scale is logarithmic, and into intervals of equal, round width otherwise. A
    value on a bound belongs to the interval above it; the upper end of the range belongs to the
    last interval.
    """
    if isinstance(parameter, CategoricalParameter):
        return Group(parameter.choices.index(value), str(value))
    values = parameter.values() or []
    if 0 < len(values) <= MAX_VALUES:
        place = min(range(len(values)), key=lambda number: abs(values[number] - value))
        return Group(place, f"{values[place]:g}")
    edges = _decades(parameter) if parameter.log else _intervals(parameter)
    place = min(bisect_right(list(edges), value), len(edges) - 1) - 1
    labels = list(edges.values())
    return Group(place, f"{labels[place]} to {labels[place + 1]}")


def _decades(parameter: FloatParameter | IntParameter) -> dict[float, str]:
    """Return the bounds of the decades, with the label of each bound."""
    first = math.floor(math.log10(parameter.low))
    last = max(math.ceil(math.log10(parameter.high)), first + 1)
    return {10.0**exponent: f"1e{exponent}" for exponent in range(first, last + 1)}


def _intervals(parameter: FloatParameter | IntParameter) -> dict[float, str]:
    """Return the bounds of at most MAX_BINS intervals, or one more if ``low`` is not round."""
    smallest = (parameter.high - parameter.low) / MAX_BINS
    unit = 10.0 ** math.floor(math.log10(smallest))
    # Floating point: 0.5 / 5 is not exactly a tenth.
    width = next(unit * step for step in (1, 2, 5, 10) if round(unit * step / smallest, 9) >= 1)
    first = math.floor(round(parameter.low / width, 9))
    last = math.ceil(round(parameter.high / width, 9))
    bounds = [round(number * width, 12) for number in range(first, last + 1)]
    return {bound: f"{bound:g}" for bound in bounds}
