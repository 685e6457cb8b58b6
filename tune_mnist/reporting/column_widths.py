"""Estimated widths of table columns, so that tables of the page fit a desktop window."""

import re
from collections.abc import Iterable

TABLE_WIDTH = 1180
"""Width in pixels of a table in a window 1280 pixels wide, without the sort arrow."""

MAX_TEXT_WIDTH = 26
"""Maximum number of characters of a cell on one line; longer cells wrap."""

WRAPPED_WIDTH = 200
"""Width in pixels of a column whose cells wrap."""

_NARROW, _WIDE = 8.0, 10.0
_PADDING = 12
_BREAKS = re.compile(r"(?<=_)|\s")


def column_width(heading: str, cells: Iterable[str]) -> float:
    """Estimate the width of a column in pixels, with a tendency to overestimate.

    Args:
        heading: Column heading, which wraps at spaces and after underscores.
        cells: Cells of the column as text.
    """
    texts = list(cells)
    if wraps(texts):
        return WRAPPED_WIDTH
    return max(map(_text_width, [*_BREAKS.split(heading), *texts])) + _PADDING


def wraps(cells: Iterable[str]) -> bool:
    """Return whether any cell of a column is too long for one line."""
    return any(len(cell) > MAX_TEXT_WIDTH for cell in cells)


def _text_width(text: str) -> float:
    wide = sum(character.isupper() or ord(character) > 127 for character in text)
    return wide * _WIDE + (len(text) - wide) * _NARROW
