"""The form of a search space file: what may stand in it, checked key by key."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tune_mnist.errors import UserError, did_you_mean, validation_error

Scalar = bool | int | float | str


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Conditional(_Strict):
    when: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)

    def needs(self, parameter: str) -> list[Any] | None:
        """Return the values of another parameter under which this one exists; None: any."""
        values = self.when.get(parameter)
        return values if values is None or isinstance(values, list) else [values]


class FloatParameter(_Conditional):
    """A real number between two bounds, on a linear or logarithmic scale, stepped or not."""

    type: Literal["float"]
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False
    step: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _bounds(self) -> "FloatParameter":
        _check_bounds(self)
        return self

    def contains(self, value: Any) -> bool:
        """Whether the value lies between the bounds."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's terms."""
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def values(self) -> list[Any] | None:
        """Return all values it can take; None if there is no end of them."""
        if self.step is None:
            return None
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        return [self.low + number * self.step for number in range(count)]

    def suggest(self, trial: Any, name: str) -> float:
        """Let Optuna choose."""
        return float(trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step))

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


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
        """Whether the value lies between the bounds."""
        number = isinstance(value, int) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's terms."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step or 1)

    def values(self) -> list[Any] | None:
        """Return all values it can take."""
        return list(range(self.low, self.high + 1, self.step or 1))

    def suggest(self, trial: Any, name: str) -> int:
        """Let Optuna choose."""
        step = 1 if self.step is None else self.step
        return int(trial.suggest_int(name, self.low, self.high, log=self.log, step=step))

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


class CategoricalParameter(_Conditional):
    """One of several values."""

    type: Literal["categorical"]
    choices: list[Scalar] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "CategoricalParameter":
        for number, choice in enumerate(self.choices):
            if choice in self.choices[:number]:
                raise UserError(f"choices: {choice!r} stands there twice: name each once")
        return self

    def contains(self, value: Any) -> bool:
        """Whether the value is among the choices."""
        return value in self.choices

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
        return "one of " + ", ".join(str(choice) for choice in self.choices)


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


class SpaceDefaults(_Strict):
    """What a search of the space does unless the user says otherwise; None: nothing is said.

    Attributes:
        image_size: side of the images in pixels.
        fraction: share of the training part.
        max_epochs: epochs of a trial that is never stopped.
        num_samples: how many trials.
        time_budget: seconds after which the search ends.
    """

    image_size: int | None = Field(default=None, gt=0)
    fraction: float | None = Field(default=None, gt=0, le=1)
    max_epochs: int | None = Field(default=None, gt=0)
    num_samples: int | None = Field(default=None, gt=0)
    time_budget: float | None = Field(default=None, gt=0)


class SpaceFile(_Strict):
    """A whole search space file."""

    description: str
    model: str | CategoricalParameter
    parameters: dict[str, Parameter]
    baselines: list[dict[str, Scalar]] = Field(default_factory=list)
    defaults: SpaceDefaults = SpaceDefaults()


def read_text(path: Path) -> str:
    """Return what stands in a search space file.

    Raises:
        UserError: not readable.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse_space_file(text: str, path: Path) -> SpaceFile:
    """Check the form of a search space.

    Args:
        text: what stands in the file.
        path: of the file, for messages.

    Raises:
        UserError: not YAML, or not of the form; names file, key and value.
    """
    content = _load_yaml(text, path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: must be a mapping with the keys {_keys(SpaceFile)}")
    try:
        return SpaceFile(**content)
    except ValidationError as error:
        raise _explained(error, path) from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a mapping that has the same key twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build the mapping, looking at each key."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key}' stands there twice (again in line {line})"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _load_yaml(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, _UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from None


def _check_bounds(parameter: FloatParameter | IntParameter) -> None:
    low, high = parameter.low, parameter.high
    if low >= high:
        raise UserError(
            f"low = {low:g}, high = {high:g}: low must be less than high"
            " (for a single value: type categorical, choices: [value])"
        )
    if parameter.log and low <= 0:
        raise UserError(f"low = {low:g} with log: true: must be greater than 0")
    if parameter.log and parameter.step is not None:
        raise UserError("step and log: true exclude each other: leave one out")


def _explained(error: ValidationError, path: Path) -> UserError:
    """Name the place in the file's own words, and the keys that may stand there."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("float", "int", "categorical")]
    key = place[-1] if place else ""
    schema = _schema_at(first["loc"])
    if first["type"] == "extra_forbidden":
        where = f" in {'.'.join(place[:-1])}" if place[:-1] else ""
        hint = did_you_mean(key, list(schema.model_fields))
        return UserError(f"{path}: unknown key '{key}'{where}{hint}: known are {_keys(schema)}")
    if first["type"].startswith("union_tag"):
        return UserError(f"{path}: {'.'.join(place)}.type: must be float, int or categorical")
    line = str(validation_error(error, schema))
    return UserError(f"{path}: {line.replace('.'.join(map(str, first['loc'])), '.'.join(place))}")


def _schema_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    kinds: dict[str, type[BaseModel]] = {
        "float": FloatParameter,
        "int": IntParameter,
        "categorical": CategoricalParameter,
    }
    if location[0] == "defaults":
        return SpaceDefaults
    if location[0] == "parameters" and len(location) > 2:
        return kinds[str(location[2])]
    if location[0] == "model" and len(location) > 1:
        return CategoricalParameter
    return SpaceFile


def _keys(schema: type[BaseModel]) -> str:
    return ", ".join(schema.model_fields)
