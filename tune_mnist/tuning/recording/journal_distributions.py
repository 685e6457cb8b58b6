"""Distributions of parameters in a study's journal, checked before Optuna reads them."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    json_to_distribution,
)
from pydantic import AfterValidator, Field, TypeAdapter

from tune_mnist.stored_json import StrictModel
from tune_mnist.stored_values import Finite, Scalar, Text


class _Range(StrictModel):
    low: Finite
    high: Finite
    log: bool = False
    step: Finite | None = None


class _Choices(StrictModel):
    choices: list[Scalar] = Field(min_length=1)


class _Number(StrictModel):
    name: Literal["FloatDistribution", "IntDistribution"]
    attributes: _Range


class _Category(StrictModel):
    name: Literal["CategoricalDistribution"]
    attributes: _Choices


_DISTRIBUTION: TypeAdapter[_Number | _Category] = TypeAdapter(
    Annotated[_Number | _Category, Field(discriminator="name")]
)


@lru_cache(maxsize=1_000)
def _distribution_of(text: str) -> BaseDistribution:
    _DISTRIBUTION.validate_json(text)
    return json_to_distribution(text)


def distribution_of(text: str) -> BaseDistribution:
    """Return the distribution that a journal describes.

    Raises:
        ValueError: It describes none.
    """
    try:
        return _distribution_of(text)
    except (ValueError, ArithmeticError, TypeError, KeyError):
        raise ValueError("a distribution as Optuna writes it") from None


def _checked_distribution(text: str) -> str:
    distribution_of(text)
    return text


Distribution = Annotated[Text, AfterValidator(_checked_distribution)]
"""Text of a distribution, as Optuna writes it."""


def check_value(value: float, text: str) -> None:
    """Check the number that stands for a parameter's value: of a choice, its place in the list."""
    distribution: Any = distribution_of(text)
    if isinstance(distribution, CategoricalDistribution):
        if not float(value).is_integer() or not 0 <= value < len(distribution.choices):
            raise ValueError(f"{value:g} is not the number of a choice of its distribution")
    elif not distribution.low <= value <= distribution.high:
        raise ValueError(
            f"{value:g} is not between the {distribution.low:g} and {distribution.high:g} of its"
            " distribution"
        )
