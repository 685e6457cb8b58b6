"""The form of a search space file: what may stand in it, checked key by key."""

import itertools
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
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
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from tune_mnist.errors import UserError, complaint, did_you_mean, reason
from tune_mnist.models import MAX_SIZE, MIN_SIZE

# The limits of a search's options, the same in a space's defaults and on the command line.
ImageSize = Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)]
Share = Annotated[float, Field(gt=0, le=1)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Samples = Annotated[int, Field(ge=1, le=100_000)]
Seconds = Annotated[float, Field(gt=0, le=366 * 24 * 3600)]


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"{value!r}: must be a number, a word, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value}: must be a finite number")
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Scalar = Annotated[Any, PlainValidator(_scalar)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Conditional(_Strict):
    when: dict[str, Annotated[list[Scalar], BeforeValidator(_listed)]] = Field(
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
    step: float | None = Field(default=None, gt=0)

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
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        return [self.low + number * self.step for number in range(count)]

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
        """Return all values it can take."""
        return list(range(self.low, self.high + 1, self.step or 1))

    def suggest(self, trial: Any, name: str) -> int:
        """Let Optuna choose."""
        step = 1 if self.step is None else self.step
        return int(trial.suggest_int(name, self.low, self.high, log=self.log, step=step))

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}{_in_steps(self)}"


class CategoricalParameter(_Conditional):
    """One of several values."""

    type: Literal["categorical"]
    choices: list[Scalar]

    @model_validator(mode="after")
    def _distinct(self) -> "CategoricalParameter":
        if not self.choices:
            raise ValueError("choices: there is nothing to choose from: name at least one")
        for number, choice in enumerate(self.choices):
            if choice in self.choices[:number]:
                raise ValueError(f"choices: {choice!r} stands there twice: name each once")
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
        return "one of " + ", ".join(str(choice) for choice in self.choices)


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]
Model = Annotated[
    Annotated[str, Tag("name")] | Annotated[CategoricalParameter, Tag("categorical")],
    Discriminator(lambda given: "categorical" if isinstance(given, dict) else "name"),
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

    image_size: ImageSize | None = None
    fraction: Share | None = None
    max_epochs: Epochs | None = None
    num_samples: Samples | None = None
    time_budget: Seconds | None = None


class CheaperStage(_Strict):
    """Epochs that every trial goes through before those of the search's own fidelity.

    Attributes:
        epochs: the last epoch of the stage.
        image_size: side of its images in pixels; None: the search's.
        fraction: share of the training part; None: the search's.
    """

    epochs: Epochs
    image_size: ImageSize | None = None
    fraction: Share | None = None


class SpaceFile(_Strict):
    """A whole search space file."""

    description: str
    model: Model
    parameters: dict[str, Parameter]
    baselines: list[dict[str, Scalar]] = Field(default_factory=list)
    fidelity: list[CheaperStage] = Field(default_factory=list)
    defaults: SpaceDefaults = SpaceDefaults()

    @field_validator("fidelity")
    @classmethod
    def _dearer_and_dearer(cls, stages: list[CheaperStage]) -> list[CheaperStage]:
        for number, stage in enumerate(stages, start=1):
            if stage.image_size is None and stage.fraction is None:
                raise ValueError(f"stage {number} is not cheaper: give it image_size or fraction")
        for number, (before, stage) in enumerate(itertools.pairwise(stages), start=2):
            if stage.epochs <= before.epochs:
                raise ValueError(
                    f"stage {number}: epochs = {stage.epochs}: must be more than the"
                    f" {before.epochs} of the stage before"
                )
            for key in ("image_size", "fraction"):
                # What a stage does not name is the search's own: nothing is more.
                old, new = getattr(before, key), getattr(stage, key)
                if new is not None and (old is None or new < old):
                    least = "the search's own" if old is None else f"{old:g}"
                    raise ValueError(
                        f"stage {number}: {key} = {new:g}: must not be less than in the stage"
                        f" before, {least}"
                    )
        return stages


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
        return SpaceFile.model_validate(content)
    except ValidationError as error:
        raise _explained(error, path) from None


class _Loader(yaml.SafeLoader):
    """Refuses keys that are no words, and keys that stand twice: YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build the mapping, looking at each key."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = key_node.value
            if key_node.tag != WORD:
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key}' stands there twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


MERGE, WORD, NUMBER = (f"tag:yaml.org,2002:{kind}" for kind in ("merge", "str", "float"))
# YAML 1.1 takes 1e-3 for a word, unlike YAML 1.2 and everybody who writes a learning rate.
_Loader.add_implicit_resolver(
    NUMBER, re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _load_yaml(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


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
    if not _on_grid(parameter, high):
        raise ValueError(f"step = {step:g}: no number of steps leads from {low:g} to {high:g}")


def _on_grid(parameter: FloatParameter | IntParameter, value: float) -> bool:
    if not parameter.low <= value <= parameter.high:
        return False
    if parameter.step is None:
        return True
    # In decimals, as they were written: 0.3 is three steps of 0.1, but not in binary.
    way = Decimal(str(value)) - Decimal(str(parameter.low))
    return way % Decimal(str(parameter.step)) == 0


def _in_steps(parameter: FloatParameter | IntParameter) -> str:
    return "" if parameter.step is None else f" in steps of {parameter.step:g}"


def _explained(error: ValidationError, path: Path) -> UserError:
    """Name the place in the file's own words, and the keys that may stand there."""
    first = complaint(error)
    location, kind = _without_kind(first["loc"])
    place = _written(location)
    match first["type"]:
        case "extra_forbidden":
            schema, key = _KINDS[kind], str(location[-1])
            where = f" in {_written(location[:-1])}" if location[:-1] else ""
            hint = did_you_mean(key, schema.model_fields)
            known = _keys(schema)
            return UserError(f"{path}: unknown key '{key}'{where}{hint}: known are {known}")
        case "union_tag_invalid" | "union_tag_not_found":
            return UserError(f"{path}: {place}.type: must be float, int or categorical")
        case "missing":
            return UserError(f"{path}: '{place}' is missing")
        case "value_error":
            return UserError(f"{path}: {place}: {reason(first)}")
        case _:
            return UserError(f"{path}: {place} = {first['input']!r}: must be {reason(first)}")


_KINDS: dict[str, type[BaseModel]] = {
    "": SpaceFile,
    "defaults": SpaceDefaults,
    "fidelity": CheaperStage,
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}


def _without_kind(location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str]:
    """Take out the kind of parameter, which pydantic tells as if it stood in the file.

    Returns:
        The place as it stands in the file, and what is described there: a key of _KINDS.
    """
    at = {"model": 1, "parameters": 2}.get(str(location[0]), 0)
    if at and len(location) > at:
        return location[:at] + location[at + 1 :], str(location[at])
    nested = location[0] in ("defaults", "fidelity") and len(location) > 1
    return location, str(location[0]) if nested else ""


def _written(location: tuple[int | str, ...]) -> str:
    """Write a place as ``baselines[1].lr``, counting from 1."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _keys(schema: type[BaseModel]) -> str:
    return ", ".join(schema.model_fields)
