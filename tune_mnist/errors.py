"""Errors that are the user's to mend: one clear line, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


class UserError(Exception):
    """Something the user asked for cannot be done.

    The message is one line: what is wrong, where (file, key, value), and what would be right.
    Commands print it after ``error:`` and exit with status 2.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known word closest to ``word``, or ``""``."""
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def unknown(what: str, word: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones."""
    names = list(known)
    return UserError(
        f"unknown {what} '{word}'{did_you_mean(word, names)}: choose one of {', '.join(names)}"
    )


def validation_error(
    error: ValidationError, schema: type[BaseModel], where: str = ""
) -> UserError:
    """Turn pydantic's first complaint into one line.

    Args:
        error: what pydantic raised.
        schema: the model that was validated; its field names feed the did-you-mean.
        where: what the line begins with, such as a file's name.
    """
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    start = f"{where}: " if where else ""
    if first["type"] == "extra_forbidden":
        names = list(schema.model_fields)
        hint = did_you_mean(key, names)
        return UserError(f"{start}unknown key '{key}'{hint}: known are {', '.join(names)}")
    if first["type"] == "missing":
        return UserError(f"{start}'{key}' is missing")
    reason = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return UserError(f"{start}{key} = {first['input']!r}: must be {reason}")
