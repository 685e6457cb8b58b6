"""Schema of search space files."""

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

from tune_mnist.errors import (
    FEW_NAMES,
    UserError,
    broken_rule,
    complaint,
    explained,
    unknown_key,
)
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
    """Defaults of search options that are set in a space file.

    They apply unless the user sets the option. None means that the space file sets no default.

    Attributes:
        image_size: Side length of the images in pixels.
        fraction: Fraction of the training split to use, greater than 0 and at most 1.
        max_epochs: Maximum epochs per trial, at least 1.
        grace_period: Minimum epochs per trial, at least 1. It is reduced to the maximum epochs,
            and ignored if the scheduler has no grace period.
        num_samples: Number of trials, at least 1.
        time_budget: Time in seconds after which no more trials are trained.
    """

    image_size: ImageSize | None = None
    fraction: Fraction | None = None
    max_epochs: EpochCount | None = None
    grace_period: EpochCount | None = None
    num_samples: Samples | None = None
    time_budget: Seconds | None = None


class CheaperStage(Strict):
    """Low-fidelity stage that every trial passes before it is trained at full fidelity.

    Attributes:
        epochs: Epoch after which the stage ends, counted from the start of the trial.
        image_size: Side length of the images in pixels. If None, the image size of the search is
            used.
        fraction: Fraction of the training split to use, greater than 0 and at most 1. If None, the
            fraction of the search is used.
    """

    epochs: EpochCount
    image_size: ImageSize | None = None
    fraction: Fraction | None = None


class SpaceFile(Strict):
    """Content of a search space file, checked for types but not yet against the architectures."""

    description: str = ""
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
                raise broken_rule(
                    f"stage {number} must set image_size or fraction, so that it is cheaper than"
                    " the full fidelity"
                )
        for number, (before, stage) in enumerate(itertools.pairwise(stages), start=2):
            if stage.epochs <= before.epochs:
                raise broken_rule(
                    f"stage {number}: epochs must be more than the {before.epochs} of the previous"
                    f" stage, but is {stage.epochs}"
                )
            for key in ("image_size", "fraction"):
                # None stands for the value of the search, which is the largest.
                old, new = getattr(before, key), getattr(stage, key)
                if new is not None and (old is None or new < old):
                    least = f"--{key.replace('_', '-')}" if old is None else f"{old:g}"
                    raise broken_rule(
                        f"stage {number}: {key} must be at least that of the previous stage"
                        f" ({least}), but is {new:g}"
                    )
        return stages


def parse_space_file(text: str, path: Path) -> SpaceFile:
    """Parse a search space file and validate it against the schema.

    Args:
        text: Content of the file.
        path: Path of the file, with which error messages begin.

    Raises:
        UserError: The text is not YAML or does not match the schema. The message names file, key
            and value.
    """
    content = load_yaml(text, path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: the content must be a mapping with the keys {_keys(SpaceFile)}")
    try:
        return SpaceFile.model_validate(content)
    except ValidationError as error:
        raise _explained(error, path) from None


def _explained(error: ValidationError, path: Path) -> UserError:
    """Return a user error that names the key in the file, and the known keys."""
    first = complaint(error)
    location, kind = _without_kind(first["loc"])
    place = _written(location)
    match first["type"]:
        case "extra_forbidden":
            schema, key = _KINDS[kind], str(location[-1])
            where = f" in {_written(location[:-1])}" if location[:-1] else ""
            text = f"{path}: unknown key {quoted(key)}{where}"
            return unknown_key(text, key, schema.model_fields)
        case "union_tag_invalid" | "union_tag_not_found":
            return UserError(f"{path}: {place}.type must be float, int or categorical")
        case "missing":
            missing = [each["loc"] for each in error.errors() if each["type"] == "missing"]
            places = [f"'{_written(_without_kind(each)[0])}'" for each in missing[:FEW_NAMES]]
            if len(missing) > FEW_NAMES:
                places.append(f"and {len(missing) - FEW_NAMES} more keys")
            verb = "is" if len(missing) == 1 else "are"
            return UserError(f"{path}: {', '.join(places)} {verb} missing")
        case _:
            return UserError(f"{path}: {explained(first, place)}")


_KINDS: dict[str, type[BaseModel]] = {
    "": SpaceFile,
    "defaults": SpaceDefaults,
    "fidelity": CheaperStage,
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}


def _without_kind(location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str]:
    """Remove the discriminator that pydantic inserts into the location of an error.

    Returns:
        The location in the file, and the schema at this location: a key of _KINDS.
    """
    at = {"model": 1, "parameters": 2}.get(str(location[0]), 0)
    if at and len(location) > at:
        return location[:at] + location[at + 1 :], str(location[at])
    nested = location[0] in ("defaults", "fidelity") and len(location) > 1
    return location, str(location[0]) if nested else ""


def _written(location: tuple[int | str, ...]) -> str:
    """Format a location as ``baselines[1].lr``, counting from 1."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return shortened("".join(parts).removeprefix("."), MAX_QUOTED)


def _keys(schema: type[BaseModel]) -> str:
    return ", ".join(schema.model_fields)
