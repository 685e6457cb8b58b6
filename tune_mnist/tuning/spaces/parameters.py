"""The hyperparameters of a search space: what each may be, and how Optuna chooses it."""

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

from tune_mnist.quoting import quoted, shortened

MAX_CHOICES = 1_000
MAX_STEPS = 1_000_000
"""Steps of a range: a grid lists all its values."""


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"{quoted(value)}: must be a number, a word, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value}: must be a finite number")
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


YamlScalar = Annotated[Any, PlainValidator(_scalar)]


class Strict(BaseModel):
    """Part of a space file: an unknown key, or a value of another type, is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Conditional(Strict):
    when: dict[str, Annotated[list[YamlScalar], BeforeValidator(_listed)]] = Field(
        default_factory=dict
    )

    def needs(self, parameter: str) -> list[Any]:
        """Return the values of another parameter, named by ``when``, under which this exists."""
        return self.when[parameter]


class FloatParameter(_Conditional):
    """A real number between two bounds, on a linear or logarithmic scale, stepped or not."""

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
        """Whether the value lies between the bounds, and on a step."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and _on_grid(self, value)

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's terms."""
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def values(self) -> list[Any] | None:
        """Return all values it can take; None if there is no end of them."""
        if self.step is None:
            return None
        count = int(_steps(self.low, self.high, self.step)) + 1
        return [_at_step(self.low, self.step, number) for number in range(count)]

    def suggest(self, trial: Any, name: str) -> float:
        """Let Optuna choose."""
        return float(trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step))

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}{_in_steps(self)}"


class IntParameter(_Conditional):
    """A whole number between two bounds, both included."""

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
        """Whether the value lies between the bounds, and on a step."""
        number = isinstance(value, int) and not isinstance(value, bool)
        return number and _on_grid(self, value)

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's terms."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step or 1)

    def values(self) -> list[Any] | None:
        """Return all values it can take; None if they are too many to list."""
        step = self.step or 1
        if (self.high - self.low) // step > MAX_STEPS:
            return None
        return list(range(self.low, self.high + 1, step))

    def suggest(self, trial: Any, name: str) -> int:
        """Let Optuna choose."""
        step = 1 if self.step is None else self.step
        return int(trial.suggest_int(name, self.low, self.high, log=self.log, step=step))

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}{_in_steps(self)}"


class CategoricalParameter(_Conditional):
    """One of several values."""

    type: Literal["categorical"]
    choices: list[YamlScalar] = Field(max_length=MAX_CHOICES)

    @model_validator(mode="after")
    def _distinct(self) -> "CategoricalParameter":
        if not self.choices:
            raise ValueError("choices: there is nothing to choose from: name at least one")
        for number, choice in enumerate(self.choices):
            if choice in self.choices[:number]:
                raise ValueError(f"choices: {quoted(choice)} stands there twice: name each once")
        return self

    def contains(self, value: Any) -> bool:
        """Whether the value is among the choices; true is not 1."""
        return any(
            value == choice and isinstance(value, bool) == isinstance(choice, bool)
            for choice in self.choices
        )

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's terms."""
        return CategoricalDistribution(self.choices)

    def values(self) -> list[Any] | None:
        """Return all values it can take."""
        return list(self.choices)

    def suggest(self, trial: Any, name: str) -> Any:
        """Let Optuna choose."""
        return trial.suggest_categorical(name, self.choices)

    def __str__(self) -> str:
        return shortened("one of " + ", ".join(str(choice) for choice in self.choices), 1_000)


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


def _check_bounds(parameter: FloatParameter | IntParameter) -> None:
    low, high, step = parameter.low, parameter.high, parameter.step
    if low >= high:
        raise ValueError(
            f"low = {low:g}, high = {high:g}: low must be less than high"
            " (for a single value: type categorical, choices: [value])"
        )
    if parameter.log and low <= 0:
        raise ValueError(f"low = {low:g} with log: true: must be greater than 0")
    if parameter.log and step is not None:
        raise ValueError("step and log: true exclude each other: leave one out")
    if step is not None and _steps(low, high, step) > MAX_STEPS:
        raise ValueError(
            f"step = {step:g}: more than {MAX_STEPS:,} steps lead from {low:g} to {high:g}: take a"
            " larger step, or none"
        )
    if not _on_grid(parameter, high):
        raise ValueError(f"step = {step:g}: no number of steps leads from {low:g} to {high:g}")


def _on_grid(parameter: FloatParameter | IntParameter, value: float) -> bool:
    if not parameter.low <= value <= parameter.high:
        return False
    if parameter.step is None:
        return True
    # As they were written in decimals: 0.3 is three steps of 0.1, but not in binary. Optuna adds
    # steps in binary, and calls the same value 0.30000000000000004.
    nearest = round(_steps(parameter.low, value, parameter.step))
    return math.isclose(
        value, _at_step(parameter.low, parameter.step, nearest), rel_tol=1e-12, abs_tol=1e-12
    )


def _steps(low: float, high: float, step: float) -> Fraction:
    """Return how many steps lead from one bound to the other, exactly."""
    return (Fraction(str(high)) - Fraction(str(low))) / Fraction(str(step))


def _at_step(low: float, step: float, number: int) -> float:
    """Return a value that many steps above the lower bound, as it is written in decimals."""
    return float(Fraction(str(low)) + number * Fraction(str(step)))


def _in_steps(parameter: FloatParameter | IntParameter) -> str:
    return "" if parameter.step is None else f" in steps of {parameter.step:g}"
