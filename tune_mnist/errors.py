"""Errors that the user can fix, reported as one line without traceback."""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from tune_mnist.quoting import MAX_QUOTED, printable, quoted, shortened
from tune_mnist.suggestions import alternatives, closest, did_you_mean

USER_ERROR = 2
"""Exit status of a command after an error that the user can fix."""

FAILED_RUNS = 1
"""Exit status of a search that has ended in order, but some of whose final runs failed."""

FEW_NAMES = 10
"""Number of names that an error lists at most, if not all of them are needed."""


class UserError(Exception):
    """Raised for an error that the user can fix, in the input or the environment.

    The message is one line that names the problem, its place (file, key, value) and the remedy.
    Commands print it after ``error:`` and exit with status 2.
    """


class ReportedInterrupt(KeyboardInterrupt):
    """Raised if a run was interrupted, its results are saved and the resume command is printed."""


NOTHING_TO_RESUME = "no trial was started, so there is nothing to resume"
"""Message of the KeyboardInterrupt of a search that has not stored anything yet."""

NOTHING_RESUMED = "the search was not resumed yet; repeat the command to resume it"
"""Message of the KeyboardInterrupt of a command that has not read the search to resume yet."""


@contextmanager
def interrupt_message(message: Callable[[], str]) -> Iterator[None]:
    """Context manager that gives a KeyboardInterrupt a message that says what to do next.

    Args:
        message: Function that returns the message. It is called after the interrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(message()) from None


def nothing_done(resume: object) -> str:
    """Return the message of a KeyboardInterrupt before a search is started or resumed.

    Args:
        resume: Search to resume, or None for a new search.
    """
    return NOTHING_TO_RESUME if resume is None else NOTHING_RESUMED


def error_line(message: str) -> str:
    """Format a message as one line beginning with ``error:``, without control characters."""
    return "error: " + shortened(printable(" ".join(message.split())))


def last_line(error: Exception) -> str:
    """Return the last line of an error message. Ray puts a traceback before it."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def line_in(error: BaseException, file: str) -> int | None:
    """Return the number of the last line of a file that an error passed through, or None.

    Args:
        error: Error that has been raised.
        file: Path of a Python file, as its code object names it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return lines[-1] if lines else None


def end_at_once(line: str, status: int) -> NoReturn:
    """Print a line and exit the process immediately, without running exit handlers.

    Control characters in the line are escaped.

    Call this function from any thread if the main thread may be blocked inside a library and
    cannot exit by itself.

    Args:
        line: Line to print on standard error.
        status: Exit status of the process.
    """
    # While Rich shows a live table, sys.stderr prints above it. The cursor of the terminal is then
    # at the end of the table, and after Ctrl-C behind "^C", so the line begins on a new one.
    stream = sys.stderr if sys.__stderr__ is None or sys.__stderr__.closed else sys.__stderr__
    try:
        start = "\n" if stream.isatty() else ""
        print(f"{start}{printable(line)}", file=stream, flush=True)
    finally:  # printing fails if Ctrl-C has also ended the reader of a pipe
        os._exit(status)


def unknown(
    what: str, word: str, known: Iterable[str], descriptions: Mapping[str, str] | None = None
) -> UserError:
    """Create the error for an unknown name, with the closest names.

    All known names are listed if they are few, or if none of them is close.

    Args:
        what: Kind of name for the message, such as ``"model"``.
        word: Unknown name.
        known: Known names.
        descriptions: Description of each known name, keyed by name, or None.
    """
    names = list(known)
    beginning = f"unknown {what} '{shortened(word, MAX_QUOTED)}'"
    close = closest(word, names, descriptions)
    if len(names) > FEW_NAMES and close:
        return UserError(f"{beginning} (did you mean {alternatives(close)}?)")
    hint = f" (did you mean {alternatives(close[:1])}?)" if close else ""
    return UserError(f"{beginning}{hint}: choose one of {', '.join(names)}")


def validation_error(
    error: ValidationError,
    schema: type,
    where: str = "",
    name: Callable[[str], str] = str,
) -> UserError:
    """Create a one-line error from the most helpful error of a pydantic validation.

    Args:
        error: Error raised by pydantic.
        schema: Pydantic model that was validated. Its fields are listed if a key is unknown.
        where: Prefix of the message, such as a file name.
        name: Function that returns the name of a field for the message.
    """
    first = complaint(error)
    key = ".".join(str(part) for part in first["loc"])
    start = f"{where}: " if where else ""
    if first["type"] == "json_invalid":
        return UserError(f"{start}the file is damaged: it is not JSON ({reason(first)})")
    if not key:
        return UserError(f"{start}{explained(first, key, 'the content')}")
    if first["type"] == "extra_forbidden":
        fields = getattr(schema, "model_fields", {})
        texts = {name: field.description or "" for name, field in fields.items()}
        return unknown_key(f"{start}unknown key '{key}'", key, fields, texts)
    if first["type"] == "missing":
        return UserError(f"{start}'{name(key)}' is missing")
    return UserError(f"{start}{explained(first, name(key))}")


def unknown_key(
    text: str, key: str, known: Iterable[str], descriptions: Mapping[str, str] | None = None
) -> UserError:
    """Create the error for an unknown key, with the closest key and all known keys.

    Args:
        text: Beginning of the message, which names the key and where it was found.
        key: Unknown key.
        known: Known keys.
        descriptions: Description of each known key, keyed by key, or None.
    """
    names = list(known)
    hint = did_you_mean(key, names, descriptions)
    return UserError(f"{text}{hint}; known keys are {', '.join(names)}")


def complaint(error: ValidationError) -> ErrorDetails:
    """Return the most helpful of the errors that a pydantic validation reports.

    An unknown key has priority, because it is often a misspelling of a key that is reported as
    missing.
    """
    return min(error.errors(), key=lambda details: details["type"] != "extra_forbidden")


def broken_rule(text: str) -> PydanticCustomError:
    """Return the error that a pydantic validator raises if its message is a whole sentence.

    The message of a plain ``ValueError`` follows "must be" and precedes "but is", so that it names
    only what the value must be, such as "a number".

    Args:
        text: Sentence that names the values, what is wrong with them, and the remedy.
    """
    return PydanticCustomError(_RULE, "{text}", {"text": text})


def explained(details: ErrorDetails, name: str, content: str = "") -> str:
    """Return what is wrong with a value, as a sentence.

    Args:
        details: Error that pydantic reports for the value.
        name: Name of the value, or an empty text if the error concerns the whole content.
        content: Name of the whole content, such as "the line".
    """
    if details["type"] == _RULE:
        return f"{name}: {details['msg']}" if name else details["msg"]
    return f"{name or content} {requirement(details)}"


def requirement(details: ErrorDetails) -> str:
    """Return what a value must be and what it is, such as "must be a number, but is 'a'".

    The text follows the name of the value in an error message: "lr must be a number, but is 'a'".
    """
    return f"{required(details)}, but is {quoted(details['input'])}"


def reason(details: ErrorDetails) -> str:
    """Return the message of a pydantic error without pydantic's prefixes."""
    return details["msg"].removeprefix("Value error, ").removeprefix("Invalid JSON: ")


def required(details: ErrorDetails) -> str:
    """Return what a value must be, such as "a number", for readers who do not know Python."""
    if details["type"] in _EXPECTED:
        return f"must be {_EXPECTED[details['type']]}"
    # Pydantic writes "Input should be ..." or "List should have ... after validation, not 1".
    _, should, text = details["msg"].partition(" should ")
    if not should:
        return f"must be {reason(details)}"
    text = text.partition(" after validation")[0]
    for words, shorter in _SHORTER.items():
        text = text.replace(words, shorter)
    return f"must {text}"


_RULE = "broken_rule"
_SHORTER = {"greater than or equal to": "at least", "less than or equal to": "at most"}
_EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "a mapping, {key: value, ...}",
    "dict_type": "a mapping, {key: value, ...}",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list, [one, two, ...]",
    "model_attributes_type": "a mapping, {key: value, ...}",
    "model_type": "a mapping, {key: value, ...}",
    "string_type": "text",
}
