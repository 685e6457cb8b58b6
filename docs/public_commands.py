"""Commands and options of a stored search without paths and addresses of a private machine."""

import ast
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tune_mnist.tuning.options.option_fields import EXTERNAL

_PLACE = "output_dir"
_OMITTED = (_PLACE, "address", "mlflow")
_SHORTENED = ("data_dir", "storage_path")
_Change = Callable[[str, str], str]
_FOLDERS = ("data_dir", "warm_start")
_OBJECT = "object_of_type_"


def public_commands(commands: Iterable[str], name: str) -> list[str]:
    """Return the commands of a search as if it had been run in ``results/``.

    The parent folder and addresses are omitted. Of other paths outside the working folder, only
    the last component is kept.

    Args:
        commands: Command lines, or calls of ``run_search``.
        name: Name of the results folder.
    """
    commands = list(commands)
    places = {os.path.normpath(place) for command in commands for place in _places(command)}

    def changed(option: str, value: str) -> str:
        if option == "resume" and value:
            return f"results/{name}"
        parent, folder = os.path.split(os.path.normpath(value))
        if option == "warm_start" and (parent or ".") in places:
            return f"results/{folder}"
        return last_component(value) if option in _SHORTENED or _is_outside(value) else value

    return [
        _changed_call(command, changed) if _is_call(command) else _changed_line(command, changed)
        for command in commands
    ]


def public_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return stored options with the last component of each path, and without addresses.

    Args:
        options: Options of the search, keyed by name.
    """
    given = {option: str(options[option]) for option in EXTERNAL if options.get(option)}
    return options | {
        option: last_component(value) if option in _FOLDERS else None
        for option, value in given.items()
    }


def last_component(path: str) -> str:
    """Return the last component of a path or URI, or ``"/"`` if there is none."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "/"


def _is_outside(value: str) -> bool:
    """Return whether a value is a URI, or a path that is not below the working folder."""
    absolute = value.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:[/\\]", value)
    return bool(absolute) or "://" in value or ".." in re.split(r"[/\\]", value)


def _is_call(command: str) -> bool:
    return re.match(r"\w+\(", command) is not None


def _places(command: str) -> Iterator[str]:
    """Yield the parent folders of the results that a command names."""
    if _is_call(command):
        call = _parsed(command)
        yield from (
            str(each.value.value)
            for each in (call.keywords if call else ())
            if each.arg == _PLACE and isinstance(each.value, ast.Constant)
        )
        return
    yield from (value for option, value in _arguments(command) if option == _PLACE and value)


def _arguments(line: str) -> Iterator[tuple[str, str | None]]:
    """Yield the options of a command line with their values.

    Words before the first option have no name, and flags have no value.
    """
    words = iter(_words(line))
    word = next(words, None)
    while word is not None:
        following = next(words, None)
        if not word.startswith("--"):
            yield "", word
        elif "=" in word:
            option, _, value = word.partition("=")
            yield _name(option), value
        elif following is None or following.startswith("--"):
            yield _name(word), None
        else:
            yield _name(word), following
            following = next(words, None)
        word = following


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # not a line of ours: nothing can be said about its options
        return line.partition(" --")[0].split()


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _changed_line(line: str, changed: _Change) -> str:
    words: list[str] = []
    for option, value in _arguments(line):
        if option not in _OMITTED:
            words += [f"--{option.replace('_', '-')}"] if option else []
            words += [] if value is None else [changed(option, value)]
    return shlex.join(words)


def _parsed(call: str) -> ast.Call | None:
    """Parse a call, in which ``<type>`` stands for an object; None if a value was shortened."""
    try:
        tree = ast.parse(re.sub(r"=<(\w+)>", rf"={_OBJECT}\1", call), mode="eval").body
    except SyntaxError:
        return None
    return tree if isinstance(tree, ast.Call) else None


def _changed_call(text: str, changed: _Change) -> str:
    call = _parsed(text)
    if call is None:
        return f"{text.partition('(')[0]}(...)"
    call.keywords = [each for each in call.keywords if each.arg not in _OMITTED]
    for keyword in call.keywords:
        for node in ast.walk(keyword.value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = changed(keyword.arg or "", node.value)
    return re.sub(rf"\b{_OBJECT}(\w+)", r"<\1>", ast.unparse(call))
