"""The form of a search space file: what may stand in it, checked key by key."""

import itertools
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
)

from tune_mnist.errors import UserError, complaint, did_you_mean, reason
from tune_mnist.quoting import MAX_QUOTED, quoted, shortened
from tune_mnist.tuning.spaces.option_types import EpochCount, Fraction, ImageSize, Samples, Seconds
from tune_mnist.tuning.spaces.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Strict,
    YamlScalar,
)
from tune_mnist.tuning.spaces.yaml_text import load_yaml

Model = Annotated[
    Annotated[str, Tag("name")] | Annotated[CategoricalParameter, Tag("categorical")],
    Discriminator(lambda given: "categorical" if isinstance(given, dict) else "name"),
]


class SpaceDefaults(Strict):
    """What a search of the space does unless the user says otherwise; None: nothing is said.

    Attributes:
        image_size: side of the images in pixels.
        fraction: share of the training part.
        max_epochs: epochs of a trial that is never stopped.
        num_samples: how many trials.
        time_budget: seconds after which the search ends.
    """

    image_size: ImageSize | None = None
    fraction: Fraction | None = None
    max_epochs: EpochCount | None = None
    num_samples: Samples | None = None
    time_budget: Seconds | None = None


class CheaperStage(Strict):
    """Epochs that every trial goes through before those of the search's own fidelity.

    Attributes:
        epochs: the last epoch of the stage.
        image_size: side of its images in pixels; None: the search's.
        fraction: share of the training part; None: the search's.
    """

    epochs: EpochCount
    image_size: ImageSize | None = None
    fraction: Fraction | None = None


class SpaceFile(Strict):
    """A whole search space file."""

    description: str
    model: Model
    parameters: dict[str, Parameter]
    baselines: list[dict[str, YamlScalar]] = Field(default_factory=list)
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


def parse_space_file(text: str, path: Path) -> SpaceFile:
    """Check the form of a search space.

    Args:
        text: what stands in the file.
        path: of the file, for messages.

    Raises:
        UserError: not YAML, or not of the form; names file, key and value.
    """
    content = load_yaml(text, path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: must be a mapping with the keys {_keys(SpaceFile)}")
    try:
        return SpaceFile.model_validate(content)
    except ValidationError as error:
        raise _explained(error, path) from None


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
            return UserError(f"{path}: unknown key {quoted(key)}{where}{hint}: known are {known}")
        case "union_tag_invalid" | "union_tag_not_found":
            return UserError(f"{path}: {place}.type: must be float, int or categorical")
        case "missing":
            return UserError(f"{path}: '{place}' is missing")
        case "value_error":
            return UserError(f"{path}: {place}: {reason(first)}")
        case _:
            return UserError(
                f"{path}: {place} = {quoted(first['input'])}: must be {reason(first)}"
            )


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
    return shortened("".join(parts).removeprefix("."), MAX_QUOTED)


def _keys(schema: type[BaseModel]) -> str:
    return ", ".join(schema.model_fields)
