"""Parameters of a search space: range, conditions and Optuna distribution."""

import math
from fractions import Fraction
from typing import Annotated, Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from tune_mnist.errors import broken_rule
from tune_mnist.quoting import quoted, shortened

MAX_CHOICES = 1_000
MAX_STEPS = 1_000_000
"""Maximum number of steps of a range, because grid search lists all of its values."""


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("a number, a text, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


YamlScalar = Annotated[Any, PlainValidator(_scalar)]


class Strict(BaseModel):
    """Base class for the parts of a space file.

    Unknown keys and values of the wrong type are errors. Values are not converted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Conditional(Strict):
    # Values that other parameters must have for this parameter to exist.
    when: dict[str, Annotated[list[YamlScalar], BeforeValidator(_listed)]] = Field(
        default_factory=dict
    )


class FloatParameter(_Conditional):
    """Float parameter, on a linear or logarithmic scale, with an optional step."""

    type: Literal["float"]
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False
    step: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _bounds(self) -> "FloatParameter":
        _check_bounds(self)
        return self

    def contains(self, value: Any) -> bool:
        """Return whether a value lies within the bounds and on a step from the lower bound."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and _on_grid(self, value)

    def distribution(self) -> BaseDistribution:
        """Return the Optuna distribution of this parameter."""
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def count(self) -> int | None:
        """Return the number of values, or None if the parameter has no step."""
        return None if self.step is None else int(_steps(self.low, self.high, self.step)) + 1

    def values(self) -> list[Any] | None:
        """Return all values of this parameter in ascending order, or None if it has no step."""
        if self.step is None:
            return None
        return [_at_step(self.low, self.step, number) for number in range(self.count() or 0)]

    def suggest(self, trial: Any, name: str) -> float:
        """Return the value that an Optuna trial suggests for this parameter."""
        return float(trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step))

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}{_in_steps(self)}"


class IntParameter(_Conditional):
    """Integer parameter, on a linear or logarithmic scale. Both bounds are included."""

    type: Literal["int"]
    low: int
    high: int
    log: bool = False
    step: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _bounds(self) -> "IntParameter":
        _check_bounds(self)
        return self

    def contains(self, value: Any) -> bool:
        """Return whether a value lies within the bounds and on a step from the lower bound."""
        number = isinstance(value, int) and not isinstance(value, bool)
        return number and _on_grid(self, value)

    def distribution(self) -> BaseDistribution:
        """Return the Optuna distribution of this parameter."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step or 1)

    def count(self) -> int:
        """Return the number of values."""
        return (self.high - self.low) // (self.step or 1) + 1

    def values(self) -> list[Any] | None:
        """Return all values of this parameter, or None if there are more than MAX_STEPS."""
        step = self.step or 1
        if (self.high - self.low) // step > MAX_STEPS:
            return None
        return list(range(self.low, self.high + 1, step))

    def suggest(self, trial: Any, name: str) -> int:
        """Return the value that an Optuna trial suggests for this parameter."""
        step = 1 if self.step is None else self.step
        return int(trial.suggest_int(name, self.low, self.high, log=self.log, step=step))

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}{_in_steps(self)}"


class CategoricalParameter(_Conditional):
    """Parameter that takes one of several listed values."""

    type: Literal["categorical"]
    choices: list[YamlScalar] = Field(max_length=MAX_CHOICES)

    @model_validator(mode="after")
    def _distinct(self) -> "CategoricalParameter":
        if not self.choices:
            raise broken_rule("choices must have at least one value, but is []")
        for number, choice in enumerate(self.choices):
            if choice in self.choices[:number]:
                raise broken_rule(f"choices lists {quoted(choice)} twice; list each value once")
        return self

    def contains(self, value: Any) -> bool:
        """Return whether a value is among the choices. ``True`` does not match 1."""
        return any(
            value == choice and isinstance(value, bool) == isinstance(choice, bool)
            for choice in self.choices
        )

    def distribution(self) -> BaseDistribution:
        """Return the Optuna distribution of this parameter."""
        return CategoricalDistribution(self.choices)

    def count(self) -> int:
        """Return the number of choices."""
        return len(self.choices)

    def values(self) -> list[Any] | None:
        """Return all choices."""
        return list(self.choices)

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that an Optuna trial suggests for this parameter."""
        return trial.suggest_categorical(name, self.choices)

    def __str__(self) -> str:
        return shortened("one of " + ", ".join(str(choice) for choice in self.choices), 1_000)


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


def _check_bounds(parameter: FloatParameter | IntParameter) -> None:
    low, high, step = parameter.low, parameter.high, parameter.step
    if low >= high:
        raise broken_rule(
            f"low ({low:g}) must be less than high ({high:g});"
            " for a single value, use type categorical with choices: [value]"
        )
    if parameter.log and low <= 0:
        raise broken_rule(f"low must be greater than 0 with log: true, but is {low:g}")
    if parameter.log and step is not None:
        raise broken_rule("step cannot be combined with log: true; remove one of them")
    if step is not None and _steps(low, high, step) > MAX_STEPS:
        raise broken_rule(
            f"step {step:g} divides the range from {low:g} to {high:g} into more than"
            f" {MAX_STEPS:,} steps; use a larger step, or no step"
        )
    if not _on_grid(parameter, high):
        raise broken_rule(
            f"high - low must be a multiple of step ({step:g}), but is {high - low:g}"
        )


def _on_grid(parameter: FloatParameter | IntParameter, value: float) -> bool:
    if not parameter.low <= value <= parameter.high:
        return False
    if parameter.step is None:
        return True
    # Steps are counted in decimals, where 0.3 is three steps of 0.1; in binary it is not.
    # Optuna adds steps in binary and returns 0.30000000000000004, hence the tolerance.
    nearest = round(_steps(parameter.low, value, parameter.step))
    return math.isclose(
        value, _at_step(parameter.low, parameter.step, nearest), rel_tol=1e-12, abs_tol=1e-12
    )


def _steps(low: float, high: float, step: float) -> Fraction:
    """Return the exact number of steps between two bounds."""
    return (Fraction(str(high)) - Fraction(str(low))) / Fraction(str(step))


def _at_step(low: float, step: float, number: int) -> float:
    """Return the decimal value that lies ``number`` steps above the lower bound."""
    return float(Fraction(str(low)) + number * Fraction(str(step)))


def _in_steps(parameter: FloatParameter | IntParameter) -> str:
    return "" if parameter.step is None else f" in steps of {parameter.step:g}"
