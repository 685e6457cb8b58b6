"""Equality and enumeration of the configurations of a search space."""

import itertools
from collections.abc import Hashable, Mapping
from typing import Any

from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.space import SearchSpace

MAX_LISTED = 100_000
"""Maximum number of listed configurations per architecture, since no search has more trials."""

_ABSENT = object()
_PRECISION = ".7g"
"""Format of a number that keeps the significant digits of single precision, used in training."""


def configuration_key(space: SearchSpace, parameters: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """Return a hashable key that is equal for configurations which are trained the same way.

    Numbers are rounded to single precision. Parameters whose condition does not hold are ignored.

    Args:
        space: Search space.
        parameters: Parameter values, keyed by parameter name.
    """
    return tuple(
        rounded(parameters[name])
        if name in parameters and space.exists(name, parameters)
        else None
        for name in space.parameters
    )


def is_whole(space: SearchSpace, parameters: Mapping[str, Any]) -> bool:
    """Return whether a configuration has a value for each parameter whose condition holds.

    Args:
        space: Search space.
        parameters: Parameter values, keyed by parameter name.
    """
    return all(name in parameters for name in space.parameters if space.exists(name, parameters))


def list_configurations(space: SearchSpace, model: str) -> list[dict[str, Any]] | None:
    """Return all configurations of an architecture.

    Returns:
        Configurations, or None if there are more than ``MAX_LISTED`` of them or a parameter is
        continuous.
    """
    listed: list[dict[str, Any]] = [{}]
    # Parameters come after those that their conditions name.
    for name, parameter in space.parameters.items():
        # A parameter that no configuration of this architecture has may be continuous.
        if not any(space.exists(name, drawn) for drawn in listed):
            continue
        count = parameter.count()
        if count is None or count > MAX_LISTED:
            return None
        values = [model] if name == MODEL else parameter.values() or []
        longer = (
            {**drawn, name: value}
            for drawn in listed
            for value in (values if space.exists(name, drawn) else [_ABSENT])
        )
        listed = list(itertools.islice(longer, MAX_LISTED + 1))
        if len(listed) > MAX_LISTED:
            return None
    return [
        {name: value for name, value in drawn.items() if value is not _ABSENT} for drawn in listed
    ]


def rounded(value: Any) -> Hashable:
    """Round a number to single precision, which is used in training.

    Args:
        value: Value of a parameter. Values other than floats are returned unchanged.
    """
    if isinstance(value, float):
        return float(format(value, _PRECISION))
    key: Hashable = value
    return key
