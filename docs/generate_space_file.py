"""Write the tables of ``docs/reference/space-file.md`` from the code: ``make docs``."""

import re
import sys
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tune_mnist.declarations import Duration
from tune_mnist.models.registry import SHIPPED, get_architecture
from tune_mnist.training.config import HYPERPARAMETERS, SEARCHABLE, TrainConfig
from tune_mnist.training.hyperparameters import Hyperparameter
from tune_mnist.tuning.spaces.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
)
from tune_mnist.tuning.spaces.space import load_space, shipped_spaces
from tune_mnist.tuning.spaces.space_file import CheaperStage, SpaceDefaults, SpaceFile

PAGE = Path(__file__).parent / "reference" / "space-file.md"

DESCRIPTIONS: dict[type[BaseModel], dict[str, str]] = {
    SpaceFile: {
        "description": "Description of the search space, one line long, for the report.",
        "model": "Architecture, or a `categorical` parameter over several architectures.",
        "parameters": "Hyperparameters to search, by name.",
        "baselines": "Configurations to try first.",
        "fidelity": "Cheaper stages with which each trial begins.",
        "defaults": "Options for searches of this space; the command line takes precedence.",
    },
    FloatParameter: {
        "type": "Real number between two bounds.",
        "when": "Values of other parameters for which this parameter exists.",
        "low": "Lower bound, included.",
        "high": "Upper bound, included.",
        "log": "Whether to sample on a logarithmic scale; not together with `step`.",
        "step": "Distance between neighboring values; `high - low` must be a multiple of it.",
    },
    IntParameter: {
        "type": "Whole number between two bounds.",
        "when": "As above.",
        "low": "Lower bound, included.",
        "high": "Upper bound, included.",
        "log": "Whether to sample on a logarithmic scale; not together with `step`.",
        "step": "Distance between neighboring values; 1 if absent.",
    },
    CategoricalParameter: {
        "type": "One of several values.",
        "when": "As above.",
        "choices": "Numbers, texts, true or false; each value only once.",
    },
    CheaperStage: {
        "epochs": "Epoch after which the stage ends, counted from the start of the trial.",
        "image_size": "Side length of the images in pixels; `null`: image size of the search.",
        "fraction": "Fraction of the training split; `null`: fraction of the search.",
    },
    SpaceDefaults: {
        "image_size": "`--image-size`, in pixels.",
        "fraction": "`--fraction`.",
        "max_epochs": "`--max-epochs`.",
        "grace_period": "`--grace-period`; reduced to the maximum epochs, and ignored by"
        " schedulers without a grace period.",
        "num_samples": "`--num-samples`.",
        "time_budget": "`--time-budget`.",
    },
}
_BLOCK = re.compile(r"(?<=<!-- table: )(\w+)( -->\n\n).*?(?=<!-- end -->)", re.DOTALL)
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def space_file_page() -> str:
    """Return the page with its tables filled in from the code."""
    return _BLOCK.sub(
        lambda block: f"{block[1]}{block[2]}{TABLES[block[1]]()}\n", PAGE.read_text("utf-8")
    )


def _keys(model: type[BaseModel]) -> str:
    rows = [
        (f"`{name}`", kind_of(field), _default(field), DESCRIPTIONS[model][name])
        for name, field in model.model_fields.items()
    ]
    return _table(("key", "value", "default", "meaning"), rows)


def _hyperparameters() -> str:
    rows = [
        (
            f"`{name}`",
            kind_of(TrainConfig.model_fields[name]),
            "required"
            if HYPERPARAMETERS[name].required
            else _default(TrainConfig.model_fields[name]),
            _in_trial_names(HYPERPARAMETERS[name]),
            HYPERPARAMETERS[name].heading or name,
            HYPERPARAMETERS[name].help,
        )
        for name in SEARCHABLE
    ]
    headings = ("name", "value", "if absent", "in names of trials", "in tables", "meaning")
    return _table(headings, rows)


def _in_trial_names(declared: Hyperparameter) -> str:
    return f"`{declared.short_name}=`" if declared.short_name else "value only"


def _keywords() -> str:
    rows = [
        (model, f"`{keyword.key}`", _in_words(keyword.annotation, []), _shown(keyword.default))
        for model in SHIPPED
        for keyword in get_architecture(model).keywords.values()
    ]
    return _table(("architecture", "parameter", "value", "if absent"), rows)


def _spaces() -> str:
    spaces = [load_space(path.stem) for path in sorted(shipped_spaces().glob("*.yaml"))]
    rows = [(f"`{space.name}`", space.description) for space in spaces]
    return _table(("space", "description"), rows)


TABLES = {
    "file": lambda: _keys(SpaceFile),
    "float": lambda: _keys(FloatParameter),
    "int": lambda: _keys(IntParameter),
    "categorical": lambda: _keys(CategoricalParameter),
    "stage": lambda: _keys(CheaperStage),
    "defaults": lambda: _keys(SpaceDefaults),
    "hyperparameters": _hyperparameters,
    "keywords": _keywords,
    "spaces": _spaces,
}
"""Functions that write the tables, keyed by the name of the table in the page."""


def kind_of(field: FieldInfo) -> str:
    """Return the type of a field and its bounds, in words."""
    return _in_words(field.annotation, list(field.metadata))


def _in_words(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _in_words(inner, [*more, *metadata])
    if get_origin(annotation) in (Union, UnionType):
        alternatives = [each for each in get_args(annotation) if each is not type(None)]
        if len(alternatives) == 1:
            return _in_words(alternatives[0], metadata)
        return "text or mapping"
    if get_origin(annotation) is Literal:
        shown = [f"`{value}`" for value in get_args(annotation)]
        return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"
    marks = [part for mark in metadata for part in getattr(mark, "metadata", [mark])]
    for mark in marks:
        if names := getattr(mark, "names", None):
            return f"one of {', '.join(f'`{name}`' for name in names)}"
        if isinstance(mark, Duration):
            return "seconds"
    bounds = [
        f"{words} {getattr(mark, bound):,}"
        for mark in marks
        for bound, words in _BOUNDS.items()
        if getattr(mark, bound, None) is not None
    ]
    kind = _KINDS.get(annotation) or {dict: "mapping", list: "list"}.get(get_origin(annotation))
    kind = kind or "mapping"
    return ", ".join([kind, " and ".join(bounds)]) if bounds else kind


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory or isinstance(field.default, BaseModel) or field.default == "":
        return "empty"
    if field.default is None:
        return "`null`"
    return _shown(field.default)


def _shown(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(space_file_page(), end="")
    else:
        PAGE.write_text(space_file_page(), encoding="utf-8")
