"""Equality and enumeration of the configurations of a search space."""

import itertools
from collections.abc import Hashable, Mapping
from typing import Any

from tune_mnist.tuning.spaces.space import SearchSpace

MAX_LISTED = 100_000
"""Maximum number of listed configurations; no search has more trials."""

_ABSENT = object()
_PRECISION = ".7g"
"""Format of a number with the significant digits of single precision, as used in training."""


def configuration_key(space: SearchSpace, parameters: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """Return a hashable key that is the same for equal configurations.

    Numbers are rounded to single precision. Parameters whose condition does not hold are ignored.

    Args:
        space: Search space.
        parameters: Values by name.
    """
    return tuple(
        _rounded(parameters[name])
        if name in parameters and space.exists(name, parameters)
        else None
        for name in space.parameters
    )


def is_whole(space: SearchSpace, parameters: Mapping[str, Any]) -> bool:
    """Return whether a configuration has a value for each parameter whose condition holds."""
    return all(name in parameters for name in space.parameters if space.exists(name, parameters))


def list_configurations(space: SearchSpace) -> list[dict[str, Any]] | None:
    """Return all configurations of a space, or None if there are more than ``MAX_LISTED``."""
    for parameter in space.parameters.values():
        count = parameter.count()
        if count is None or count > MAX_LISTED:
            return None
    values = {name: parameter.values() or [] for name, parameter in space.parameters.items()}
    listed: list[dict[str, Any]] = [{}]
    # Parameters come after those that their conditions name.
    for name in space.parameters:
        longer = (
            {**drawn, name: value}
            for drawn in listed
            for value in (values[name] if space.exists(name, drawn) else [_ABSENT])
        )
        listed = list(itertools.islice(longer, MAX_LISTED + 1))
        if len(listed) > MAX_LISTED:
            return None
    return [
        {name: value for name, value in drawn.items() if value is not _ABSENT} for drawn in listed
    ]


def _rounded(value: Any) -> Hashable:
    if isinstance(value, float):
        return float(format(value, _PRECISION))
    key: Hashable = value
    return key
