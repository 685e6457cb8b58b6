"""Configurations of a search space: when two are equal, and all that there are."""

import itertools
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from tune_mnist.tuning.spaces.space import SearchSpace

MAX_LISTED = 100_000
"""Most configurations that are listed; no search has more trials."""

_PRECISION = ".7g"
"""Significant digits of a number in single precision, in which networks are trained."""


def configuration_key(space: SearchSpace, parameters: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """Return a key that equal configurations have in common.

    Numbers are rounded to single precision. Parameters whose condition is not met are left out.

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
    """Return whether a configuration has every parameter that exists in it."""
    return all(name in parameters for name in space.parameters if space.exists(name, parameters))


def list_configurations(space: SearchSpace) -> list[dict[str, Any]] | None:
    """Return all configurations of a space; None: they are more than ``MAX_LISTED``."""
    if any(parameter.values() is None for parameter in space.parameters.values()):
        return None
    listed = list(itertools.islice(_configurations(space, {}), MAX_LISTED + 1))
    return listed if len(listed) <= MAX_LISTED else None


def _configurations(space: SearchSpace, drawn: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the configurations that begin with the values drawn so far."""
    # Parameters come after those that their conditions name.
    for name in itertools.islice(space.parameters, _decided(space, drawn), None):
        if space.exists(name, drawn):
            for value in space.parameters[name].values() or ():
                yield from _configurations(space, {**drawn, name: value})
            return
    yield drawn


def _decided(space: SearchSpace, drawn: dict[str, Any]) -> int:
    names = list(space.parameters)
    return names.index(next(reversed(drawn))) + 1 if drawn else 0


def _rounded(value: Any) -> Hashable:
    if isinstance(value, float):
        return float(format(value, _PRECISION))
    key: Hashable = value
    return key
