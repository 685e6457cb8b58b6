"""Search space of all contestants, and its conversion for other libraries."""

from collections.abc import Callable
from typing import Any, TypeVar

from benchmarks.versus.contestant import SPACE
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter
from tune_mnist.tuning.spaces.space import SearchSpace, load_space

Distribution = TypeVar("Distribution")


def same_space() -> SearchSpace:
    """Return the search space of all contestants."""
    return load_space(str(SPACE))


def in_terms_of(
    space: SearchSpace,
    uniform: Callable[[float, float], Distribution],
    loguniform: Callable[[float, float], Distribution],
    choice: Callable[[list[Any]], Distribution],
) -> dict[str, Distribution]:
    """Convert the search space for another library.

    Raises:
        TypeError: A parameter is neither a numeric range nor a choice.
    """
    translated: dict[str, Distribution] = {}
    for name, parameter in space.parameters.items():
        if isinstance(parameter, FloatParameter) and parameter.step is None:
            kind = loguniform if parameter.log else uniform
            translated[name] = kind(parameter.low, parameter.high)
        elif isinstance(parameter, CategoricalParameter):
            translated[name] = choice(list(parameter.choices))
        else:
            raise TypeError(f"{space.path}: {name}: cannot be told to every contestant")
    return translated
