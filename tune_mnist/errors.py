"""Errors that are the user's to mend: one clear line, no traceback."""

import os
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tune_mnist.quoting import MAX_QUOTED, printable, quoted, shortened

USER_ERROR = 2


class UserError(Exception):
    """Something the user asked for cannot be done.

    The message is one line: what is wrong, where (file, key, value), and what would be right.
    Commands print it after ``error:`` and exit with status 2.
    """


class ReportedInterrupt(KeyboardInterrupt):
    """An interrupt of a run that has written its results and told the user how to resume."""


def error_line(message: str) -> str:
    """Return what a command prints of an error: one line that a terminal can show as it is."""
    return "error: " + shortened(printable(" ".join(message.split())))


def last_line(error: Exception) -> str:
    """Return what an error comes to: Ray's quote a worker's traceback before they say it."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def end_at_once(line: str, status: int) -> NoReturn:
    """Print a line and end the process, from whatever thread, without tidying up.

    For when nothing is left that could be tidied up, and the main thread may never come back.

    Args:
        line: Printed on standard error.
        status: Exit status of the process.
    """
    try:
        print(line, file=sys.stderr, flush=True)
    finally:  # where nobody reads standard error any more, too: Ctrl-C also ends the tee of a pipe
        os._exit(status)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known word closest to ``word``, or ``""``."""
    # The time of a comparison grows with the square of the length.
    close = get_close_matches(word.lower()[:MAX_QUOTED], list(known), n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def unknown(what: str, word: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones."""
    names = list(known)
    return UserError(
        f"unknown {what} '{shortened(word, MAX_QUOTED)}'{did_you_mean(word, names)}: choose one of"
        f" {', '.join(names)}"
    )


def validation_error(error: ValidationError, schema: type, where: str = "") -> UserError:
    """Turn pydantic's first complaint into one line.

    Args:
        error: what pydantic raised.
        schema: the model that was validated; its field names feed the did-you-mean.
        where: what the line begins with, such as a file's name.
    """
    first = complaint(error)
    key = ".".join(str(part) for part in first["loc"])
    start = f"{where}: " if where else ""
    if first["type"] == "json_invalid":
        return UserError(f"{start}damaged: not JSON: {reason(first)}")
    if not key:
        return UserError(f"{start}damaged: must be {reason(first)}")
    if first["type"] == "extra_forbidden":
        names = list(getattr(schema, "model_fields", ()))
        hint = did_you_mean(key, names)
        return UserError(f"{start}unknown key '{key}'{hint}: known are {', '.join(names)}")
    if first["type"] == "missing":
        return UserError(f"{start}'{key}' is missing")
    return UserError(f"{start}{key} = {quoted(first['input'])}: must be {reason(first)}")


def complaint(error: ValidationError) -> ErrorDetails:
    """Return the complaint to tell: an unknown key first, which often explains a missing one."""
    return min(error.errors(), key=lambda details: details["type"] != "extra_forbidden")


def reason(details: ErrorDetails) -> str:
    """Return what would be right, in words for people who do not write Python."""
    if details["type"] in _REASONS:
        return _REASONS[details["type"]]
    return (
        details["msg"]
        .removeprefix("Input should be ")
        .removeprefix("Value error, ")
        .removeprefix("Invalid JSON: ")
    )


_REASONS = {
    "bool_type": "true or false",
    "dict_type": "a mapping, {key: value, ...}",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list, [one, two, ...]",
    "model_attributes_type": "a mapping, {key: value, ...}",
    "model_type": "a mapping, {key: value, ...}",
    "string_type": "a text",
}
