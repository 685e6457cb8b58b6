"""Parameter distributions in a study's journal, which are checked before Optuna reads them."""

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
    """Parse a distribution of a journal.

    Args:
        text: Distribution as JSON, as Optuna writes it.

    Raises:
        ValueError: The text is not a valid distribution.
    """
    try:
        return _distribution_of(text)
    except (ValueError, ArithmeticError, TypeError, KeyError):
        raise ValueError("a distribution as Optuna writes it") from None


def _checked_distribution(text: str) -> str:
    distribution_of(text)
    return text


Distribution = Annotated[Text, AfterValidator(_checked_distribution)]
"""Valid distribution as JSON text, as Optuna writes it."""


def check_value(value: float, text: str) -> None:
    """Check that a parameter's value lies in its distribution.

    Args:
        value: Internal value of the parameter; for a categorical one the index of the choice.
        text: Distribution as JSON.

    Raises:
        ValueError: The value is not in the distribution.
    """
    distribution: Any = distribution_of(text)
    if isinstance(distribution, CategoricalDistribution):
        if not float(value).is_integer() or not 0 <= value < len(distribution.choices):
            raise ValueError(f"{value:g} is not the index of a choice of its distribution")
    elif not distribution.low <= value <= distribution.high:
        raise ValueError(
            f"{value:g} is not between the {distribution.low:g} and {distribution.high:g} of its"
            " distribution"
        )
