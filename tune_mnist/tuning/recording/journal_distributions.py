"""Parameter distributions in a study's journal, to check them before Optuna reads them."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    json_to_distribution,
)
from pydantic import AfterValidator, Field, TypeAdapter

from tune_mnist.errors import broken_rule
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
    """Parse a distribution from a journal.

    Args:
        text: Distribution in Optuna's JSON format.

    Raises:
        ValueError: The text is not a valid distribution.
    """
    try:
        return _distribution_of(text)
    except (ValueError, ArithmeticError, TypeError, KeyError):
        raise ValueError("a distribution in Optuna's JSON format") from None


def _checked_distribution(text: str) -> str:
    distribution_of(text)
    return text


Distribution = Annotated[Text, AfterValidator(_checked_distribution)]
"""Valid distribution in Optuna's JSON format."""


def check_value(value: float, text: str) -> None:
    """Check that the value of a parameter is in the distribution of the parameter.

    Args:
        value: Optuna's internal value, which is the index of the choice for a categorical
            distribution.
        text: Distribution in Optuna's JSON format.

    Raises:
        PydanticCustomError: The value is not in the distribution.
    """
    distribution: Any = distribution_of(text)
    if isinstance(distribution, CategoricalDistribution):
        if not float(value).is_integer() or not 0 <= value < len(distribution.choices):
            raise broken_rule(
                f"the parameter value must be a choice index from 0 to"
                f" {len(distribution.choices) - 1}, but is {value:g}"
            )
    elif not distribution.low <= value <= distribution.high:
        raise broken_rule(
            f"the parameter value must be from {distribution.low:g} to {distribution.high:g}, as"
            f" in its distribution, but is {value:g}"
        )
