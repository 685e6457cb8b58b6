"""Values of a hyperparameter put into groups that are large enough to compare."""

import math
from bisect import bisect_right
from typing import Any, NamedTuple

from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter, IntParameter

MAX_VALUES = 8
"""As many whole numbers, or steps, get a group each; more share groups."""

MAX_BINS = 5


class Group(NamedTuple):
    """A group of values.

    Attributes:
        place: among the groups of the parameter.
        label: for people.
    """

    place: int
    label: str


def group_of(parameter: FloatParameter | IntParameter | CategoricalParameter, value: Any) -> Group:
    """Return the group that a value of a parameter belongs to.

    Choices, few whole numbers and few steps are groups of their own. Other numbers share decades
    on a logarithmic scale and equal, round intervals on a linear one; a bound belongs to the
    interval above it, and the upper end of the range to the last.
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
    """Return the bounds of decades, and how to write them."""
    first = math.floor(math.log10(parameter.low))
    last = max(math.ceil(math.log10(parameter.high)), first + 1)
    return {10.0**exponent: f"1e{exponent}" for exponent in range(first, last + 1)}


def _intervals(parameter: FloatParameter | IntParameter) -> dict[float, str]:
    """Return the bounds of at most MAX_BINS intervals (one more if the range begins uneven)."""
    smallest = (parameter.high - parameter.low) / MAX_BINS
    unit = 10.0 ** math.floor(math.log10(smallest))
    # Rounding hides that 0.5 / 5 is not quite a tenth.
    width = next(unit * step for step in (1, 2, 5, 10) if round(unit * step / smallest, 9) >= 1)
    first = math.floor(round(parameter.low / width, 9))
    last = math.ceil(round(parameter.high / width, 9))
    bounds = [round(number * width, 12) for number in range(first, last + 1)]
    return {bound: f"{bound:g}" for bound in bounds}
