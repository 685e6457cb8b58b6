"""Write ``docs/reference/options.md`` from the declarations of the options: ``make docs``."""

import inspect
import sys
from pathlib import Path
from typing import Any

import click
import cloup
from pydantic.fields import FieldInfo

from tune_mnist.__main__ import cli
from tune_mnist.declarations import Choices
from tune_mnist.training.config import SEARCHABLE, TrainConfig

PAGE = Path(__file__).parent / "reference" / "options.md"
_HEAD = """# Options of the commands

Written by `make docs` from the declarations of the options; `--help` shows the same.

| Exit status | Meaning |
|---|---|
| 0 | success |
| 1 | final runs of a search failed: `--resume` repeats them; or an unexpected error |
| 2 | an error that you can fix, in one line |
| 130, 143 | interrupted by Ctrl-C, by SIGTERM |
"""


def options_page() -> str:
    """Return the reference page of all options, in Markdown."""
    commands = (_command(name, cli.commands[name]) for name in cli.commands)
    return "\n".join([_HEAD, *commands, _hyperparameters()])


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"python -m tune_mnist.{name}")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f"## {name}",
        "",
        f"`{context.info_name} {usage}`",
        "",
        inspect.cleandoc(command.help or ""),
    ]
    groups = command.option_groups if isinstance(command, cloup.Command) else []
    for group in groups:
        lines += ["", f"### {group.title}", ""]
        lines += [_line(option, context) for option in group]
    ungrouped = [option for option in command.params if getattr(option, "group", None) is None]
    lines += ["", *(_line(option, context) for option in ungrouped)] if ungrouped else []
    return "\n".join([*lines, ""])


def _hyperparameters() -> str:
    lines = [
        "## Hyperparameters",
        "",
        "Hyperparameters that a space file can search, in addition to `model`.",
        "",
    ]
    for name in SEARCHABLE:
        field = TrainConfig.model_fields[name]
        default = "required" if field.is_required() else f"default: {field.default}"
        lines.append(f"- `{name}`: {field.description} {_values(field)} [{default}]")
    return "\n".join([*lines, ""])


def _values(field: FieldInfo) -> str:
    """Return the type and bounds of a field, in words."""
    for mark in field.metadata:
        if isinstance(mark, Choices):
            return f"One of {', '.join(mark.names)}."
    bounds = [
        f"{words} {getattr(mark, bound)}"
        for mark in field.metadata
        for bound, words in _BOUNDS.items()
        if hasattr(mark, bound)
    ]
    kind = _KINDS[field.annotation]
    return f"{kind}{', ' if bounds else ''}{' and '.join(bounds)}."


_KINDS: dict[Any, str] = {bool: "True or false", int: "Whole number", float: "Number"}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _line(parameter: click.Parameter, context: click.Context) -> str:
    record = parameter.get_help_record(context)
    if record is None:  # an argument without a description
        return f"- `{parameter.make_metavar(context)}`"
    names, text = record
    # Two adjacent brackets, as in "[default: 10] [x>=1]", would be a link in Markdown.
    return f"- `{names}`: " + " ".join(text.split()).replace("] [", "]; [")


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(options_page(), end="")
    else:
        PAGE.write_text(options_page(), encoding="utf-8")
