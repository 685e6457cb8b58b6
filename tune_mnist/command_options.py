"""Command-line options generated from the fields of pydantic models."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import click
import cloup
from click.shell_completion import CompletionItem
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tune_mnist.command import duration
from tune_mnist.declarations import Choices, Duration, Option
from tune_mnist.network_modules import FLAG, require_files

SETTINGS = cloup.Context.settings(
    align_option_groups=True,
    formatter_settings=cloup.HelpFormatter.settings(max_width=100, col1_max_width=28),
)
"""Context settings of all commands: the layout of ``--help``."""

MODEL_GROUP = "Model"
"""Heading of the options that name a trained model."""

Grouped = tuple[str, cloup.Option]
"""Heading of an option group and an option listed under it."""

Mark = TypeVar("Mark")


class Name(click.ParamType[str]):
    """Click parameter type for a name from a list, shown by ``--help`` and shell completion."""

    name = "name"

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the placeholder in ``--help``, which lists the accepted names."""
        more = ["..."] if self._choices.open else []
        return f"[{'|'.join([*self._choices.names, *more])}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name if it is accepted. PyTorch and Ray are not imported for this."""
        return self._choices.check(param.name if param and param.name else "name", value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the accepted names that begin with an incomplete word."""
        return [CompletionItem(n) for n in self._choices.names if n.startswith(incomplete)]


class Number(click.types.FloatParamType):
    """Click parameter type that is called "number" in error messages, where Click says "float"."""

    name = "number"


def derived(
    model: type[BaseModel],
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    presentation: Mapping[str, Option] | None = None,
    group: str = "",
) -> list[Grouped]:
    """Create command-line options for the fields of a model that are annotated as ``Option``.

    Omitted options have the value None, so that the model applies the default of the field.

    Args:
        model: Pydantic model that validates the values.
        only: Names of the fields to include. If None, all fields are included.
        without: Names of the fields to exclude.
        presentation: Presentation of options, keyed by field name. It overrides the annotation of
            the field.
        group: Heading of the help group for all options. If empty, the group of each field is
            used.
    """
    options = []
    for name, field in model.model_fields.items():
        kind, marks = _unwrapped(field)
        declared = (presentation or {}).get(name) or _find(Option, marks)
        if declared and name not in without and (only is None or name in only):
            option = _option(name, field, declared, kind, marks)
            options.append((group or declared.group, option))
    return options


def own(
    flag: str,
    group: str,
    help: str,  # noqa: A002
    choices: Sequence[str] = (),
    **attributes: Any,
) -> Grouped:
    """Create a command-line option that is not derived from a model field.

    Args:
        flag: Flag of the option, such as ``--space``.
        group: Heading of the help group that lists the option.
        help: Help text.
        choices: Accepted names. If empty, any value is accepted.
        attributes: Further keyword arguments for ``cloup.Option``.
    """
    if choices:
        attributes["type"] = Name(Choices(choices))
    return group, cloup.Option([flag], help=help, **attributes)


def trained_model(*, required: bool = True) -> Grouped:
    """Create the option ``--model``, which takes the folder of a trained model.

    Args:
        required: Whether the command fails if the option is omitted.
    """
    return own(
        "--model",
        MODEL_GROUP,
        "Folder of a trained model: results/<search>/best/<model>, or results/<single run>.",
        type=click.Path(path_type=Path),
        required=required,
        metavar="FOLDER",
    )


def models_option(group: str) -> Grouped:
    """Create the option ``--models``, which takes modules that define the user's networks.

    Args:
        group: Heading of the help group that lists the option.
    """
    return own(
        FLAG,
        group,
        "Python file or package.module that registers your own networks; may be repeated.",
        multiple=True,
        metavar="FILE|MODULE",
        callback=_existing,
    )


def _existing(_: click.Context, __: click.Parameter, models: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a wrong path at once. The command imports the files after PyTorch, seconds later."""
    require_files(models)
    return models


def results_options(group: str, default_name: str) -> list[Grouped]:
    """Create the options ``--name`` and ``--output-dir``, which set the results folder.

    Args:
        group: Heading of the help group that lists the options.
        default_name: Description of the default folder name, for the help text.
    """
    return [
        own("--name", group, f"Name of the results folder.  [default: {default_name}]"),
        own(
            "--output-dir",
            group,
            "Parent folder of the results folders.  [default: results]",
            type=click.Path(path_type=Path),
            default=Path("results"),
            metavar="FOLDER",
        ),
    ]


def grouped(titles: Sequence[str], options: Iterable[Grouped]) -> list[click.Parameter]:
    """Sort the options of a command into the groups of its ``--help`` text.

    Args:
        titles: Headings of the groups, in the order in which they are shown.
        options: Options of the command. The order of options within a group is kept.
    """
    groups = {title: cloup.OptionGroup(title) for title in titles}
    parameters: list[click.Parameter] = []
    for title, option in sorted(options, key=lambda pair: titles.index(pair[0])):
        option.group = groups[title]
        parameters.append(option)
    return parameters


def _option(
    name: str, field: FieldInfo, declared: Option, kind: type, marks: list[Any]
) -> cloup.Option:
    default = declared.default or _default(field)
    attributes: dict[str, Any] = {
        "help": f"{field.description or ''}{f'  [default: {default}]' if default else ''}",
        # A described default of a required field is filled in elsewhere.
        "required": field.is_required() and not declared.default,
        "metavar": declared.metavar or _METAVARS.get(kind),
    }
    choices = _find(Choices, marks)
    if kind is bool:
        attributes |= {"is_flag": True, "default": None}
    elif choices is not None:
        attributes |= {"type": Name(choices), "metavar": declared.metavar or None}
    elif _find(Duration, marks):
        attributes |= {"type": duration, "metavar": declared.metavar or "TIME"}
    else:
        attributes["type"] = _TYPES.get(kind, kind)
    flag = f"--{name.replace('_', '-')}"
    if kind is bool and field.default is True:
        flag += f"/--no-{flag.removeprefix('--')}"
    return cloup.Option([flag], **attributes)


def _default(field: FieldInfo) -> str:
    """Return the default of a field as text, or an empty string if there is none to show."""
    if isinstance(field.default, bool):
        return "on" if field.default else ""
    return "" if field.default in (PydanticUndefined, None) else str(field.default)


def _unwrapped(field: FieldInfo) -> tuple[type, list[Any]]:
    """Return the type of a field, stripped of None and annotations, and its annotations."""
    kind: Any = field.annotation
    marks = list(field.metadata)
    while get_origin(kind) is not None:
        inner, *others = [argument for argument in get_args(kind) if argument is not NoneType]
        if get_origin(kind) is Annotated:
            marks += others
        kind = inner
    return kind, marks


def _find(mark: type[Mark], marks: Iterable[Any]) -> Mark | None:
    """Return the first annotation of a type, or None."""
    return next((each for each in marks if isinstance(each, mark)), None)


_METAVARS = {int: "INT", float: "NUMBER", str: "TEXT"}
_TYPES: dict[type, Any] = {float: Number(), Path: click.Path(path_type=Path)}
