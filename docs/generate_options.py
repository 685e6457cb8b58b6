"""Writes ``docs/options.md`` from the declarations of the options: ``make docs``."""

import inspect
import sys
from pathlib import Path

import click
import cloup

from tune_mnist.__main__ import cli

PAGE = Path(__file__).with_name("options.md")
_HEAD = """# Options of the commands

Written by `make docs` from the declarations of the options; `--help` shows the same.
"""


def options_page() -> str:
    """Return the reference of all options, in Markdown."""
    return "\n".join([_HEAD, *(_command(name, cli.commands[name]) for name in cli.commands)])


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


def _line(parameter: click.Parameter, context: click.Context) -> str:
    record = parameter.get_help_record(context)
    if record is None:  # an argument without a description
        return f"- `{parameter.make_metavar(context)}`"
    names, text = record
    return f"- `{names}`: {' '.join(text.split())}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(options_page(), end="")
    else:
        PAGE.write_text(options_page(), encoding="utf-8")
