"""Text from files and users, made safe and short enough for messages and terminals."""

import reprlib
import unicodedata
from typing import Any

MAX_MESSAGE = 2_000
"""Characters of a message; a longer one loses its middle."""

MAX_QUOTED = 200
"""Characters of a value that a message quotes."""

_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of what steers a terminal, reorders or hides text, or is half a character."""


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which control characters are visible: an escape character as ``\x1b``.

    Args:
        text: Any text.
        keep: Control characters that may stay.
    """
    if text.isprintable():
        return text
    return "".join(
        _escaped(character)
        if unicodedata.category(character) in _UNSAFE and character not in keep
        else character
        for character in text
    )


def quoted(value: Any) -> str:
    """Return the ``repr`` of a value for a message: what is long or deep is cut with dots."""
    return shortened(_SHORT.repr(value), MAX_QUOTED)


def shortened(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return a text of at most so many characters; the middle of a longer one becomes dots.

    The end stays, as messages name the remedy there.
    """
    if len(text) <= limit:
        return text
    end = limit // 4
    return f"{text[: limit - end - 3]}...{text[-end:]}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class _Short(reprlib.Repr):
    """Also copes with whole numbers that Python refuses to write out."""

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
