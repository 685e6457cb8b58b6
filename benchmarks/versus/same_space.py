"""Search space of all contestants and the portfolio for it, in the terms of other libraries."""

from collections.abc import Callable
from typing import Any, TypeVar

from benchmarks.versus.contestant import SPACE, Task
from tune_mnist.tuning.searching.portfolio import portfolio_of
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter
from tune_mnist.tuning.spaces.space import SearchSpace, load_space

Distribution = TypeVar("Distribution")


def same_space() -> SearchSpace:
    """Return the search space of all contestants."""
    return load_space(str(SPACE))


def first_points(task: Task) -> list[dict[str, Any]]:
    """Return the configurations that a contestant tries first.

    Args:
        task: Task of the contestant.

    Returns:
        The shipped portfolio as this project's search shortens it; empty without ``--portfolio``.
    """
    found = portfolio_of(same_space()) if task.portfolio else None
    if found is None:
        return []
    return [dict(each) for each in found.shortened(task.num_samples).configurations]


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
