"""Options of commands, derived from the fields of checked models."""

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

SETTINGS = cloup.Context.settings(
    align_option_groups=True,
    formatter_settings=cloup.HelpFormatter.settings(max_width=100, col1_max_width=28),
)
"""Settings of all commands: how ``--help`` is laid out."""

Grouped = tuple[str, cloup.Option]
"""Heading of a group, and an option that is listed under it."""

Mark = TypeVar("Mark")


class Name(click.ParamType[str]):
    """A name out of choices, which ``--help`` and shell completion list.

    Args:
        choices: The names.
    """

    name = "name"

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the placeholder: the names, and dots where others may be right too."""
        more = ["..."] if self._choices.open else []
        return f"[{'|'.join([*self._choices.names, *more])}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name before anything heavy is imported."""
        return self._choices.check(param.name if param and param.name else "name", value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that complete a word."""
        return [CompletionItem(n) for n in self._choices.names if n.startswith(incomplete)]


class Number(click.types.FloatParamType):
    """A number; click's own messages call it a float."""

    name = "number"


def derived(
    model: type[BaseModel],
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    presentation: Mapping[str, Option] | None = None,
    group: str = "",
) -> list[Grouped]:
    """Return an option for each field of a model that is declared as one.

    An option that is not given has the value None: the model fills in the default.

    Args:
        model: Checked model.
        only: Names of the fields to take; None: all.
        without: Names of fields to leave out.
        presentation: Presentation by field, in place of the one that the field is declared with.
        group: Heading of all these options; empty: as declared.
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
    """Return an option that is no field of a model.

    Args:
        flag: Its name, such as ``--space``.
        group: Heading that it is listed under.
        help: Description.
        choices: Names that it can take; empty: it is no name.
        attributes: What else click has to know of it.
    """
    if choices:
        attributes["type"] = Name(Choices(choices))
    return group, cloup.Option([flag], help=help, **attributes)


def trained_model(group: str) -> Grouped:
    """Return the option that names the folder of a trained model.

    Args:
        group: Heading that it is listed under.
    """
    return own(
        "--model",
        group,
        "Folder of a trained model: results/<search>/best/<model>, or results/<single run>.",
        type=click.Path(path_type=Path),
        required=True,
        metavar="FOLDER",
    )


def models_option(group: str) -> Grouped:
    """Return the option that names modules with networks of the user.

    Args:
        group: Heading that it is listed under.
    """
    return own(
        "--models",
        group,
        "Python file, or package.module, with networks of your own; may be repeated.",
        multiple=True,
        metavar="FILE|MODULE",
    )


def results_options(group: str, default_name: str) -> list[Grouped]:
    """Return the options that say where the results go.

    Args:
        group: Heading that they are listed under.
        default_name: Description of the name that the folder gets by default.
    """
    return [
        own("--name", group, f"Name of the results folder.  [default: {default_name}]"),
        own(
            "--output-dir",
            group,
            "Folder that holds the results folders.  [default: results]",
            type=click.Path(path_type=Path),
            default=Path("results"),
            metavar="FOLDER",
        ),
    ]


def grouped(titles: Sequence[str], options: Iterable[Grouped]) -> list[click.Parameter]:
    """Return the parameters of a command, listed by their groups.

    Args:
        titles: Headings of the groups in the order of ``--help``.
        options: Options of the command; the order within a group stays.
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
        # A field without a default takes it from elsewhere if one is described.
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
    return cloup.Option([f"--{name.replace('_', '-')}"], **attributes)


def _default(field: FieldInfo) -> str:
    """Return the default of a field as text, empty if it has none to show."""
    shown = field.default not in (PydanticUndefined, None) and field.default is not False
    return str(field.default) if shown else ""


def _unwrapped(field: FieldInfo) -> tuple[type, list[Any]]:
    """Return the type of a field without None and annotations, and all its annotations."""
    kind: Any = field.annotation
    marks = list(field.metadata)
    while get_origin(kind) is not None:
        inner, *others = [argument for argument in get_args(kind) if argument is not NoneType]
        if get_origin(kind) is Annotated:
            marks += others
        kind = inner
    return kind, marks


def _find(mark: type[Mark], marks: Iterable[Any]) -> Mark | None:
    """Return the first of the annotations that is a mark of that kind."""
    return next((each for each in marks if isinstance(each, mark)), None)


_METAVARS = {int: "INT", float: "NUMBER", str: "TEXT"}
_TYPES: dict[type, Any] = {float: Number(), Path: click.Path(path_type=Path)}
