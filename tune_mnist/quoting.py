"""Escaping and shortening of untrusted text for messages and terminals."""

import reprlib
import unicodedata
from typing import Any

MAX_MESSAGE = 2_000
"""Maximum length of a message in characters."""

MAX_QUOTED = 200
"""Maximum length of a quoted value in a message, in characters."""

_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of control and formatting characters, lone surrogates and line separators."""


def printable(text: str, keep: str = "") -> str:
    r"""Escape the control characters of a text, for example as ``\x1b``.

    Args:
        text: Text to escape.
        keep: Control characters that are not escaped.
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNSAFE and character not in keep
        else character
        for character in text
    )


def quoted(value: Any) -> str:
    """Return the ``repr`` of a value for an error message, shortened if long or deeply nested."""
    return shortened(_SHORT.repr(value), MAX_QUOTED)


def shortened(text: str, limit: int = MAX_MESSAGE) -> str:
    """Shorten a text by replacing its middle with dots.

    The end is kept because error messages state the remedy at the end.

    Args:
        text: Text to shorten.
        limit: Maximum length in characters.
    """
    if len(text) <= limit:
        return text
    end = limit // 4
    return f"{text[: limit - end - 3]}...{text[-end:]}"


class _Short(reprlib.Repr):
    """``reprlib.Repr`` that also handles integers above Python's digit limit."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = MAX_QUOTED // 2
        self.maxlong = 40

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:  # more digits than sys.get_int_max_str_digits()
            return f"a whole number of {x.bit_length():,} bits"


_SHORT = _Short()
