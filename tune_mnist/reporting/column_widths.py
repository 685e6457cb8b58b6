"""Estimated widths of table columns on the page, so that no column is cut at a desk."""

import re
from collections.abc import Iterable

TABLE_WIDTH = 1180
"""Pixels of a table in a window 1280 pixels wide, without the arrow of a sorted column."""

MAX_TEXT_WIDTH = 26
"""Characters of a cell beyond which it wraps."""

WRAPPED_WIDTH = 200
"""Pixels of a column whose cells wrap."""

_NARROW, _WIDE = 8.0, 10.0
_PADDING = 12
_BREAKS = re.compile(r"(?<=_)|\s")


def column_width(heading: str, cells: Iterable[str]) -> float:
    """Return an upper estimate of the width of a column in pixels.

    Args:
        heading: Heading, which wraps at spaces and after underscores.
        cells: Cells as text.
    """
    texts = list(cells)
    if wraps(texts):
        return WRAPPED_WIDTH
    return max(map(_text_width, [*_BREAKS.split(heading), *texts])) + _PADDING


def wraps(cells: Iterable[str]) -> bool:
    """Return whether a column has cells so long that they wrap."""
    return any(len(cell) > MAX_TEXT_WIDTH for cell in cells)


def _text_width(text: str) -> float:
    wide = sum(character.isupper() or ord(character) > 127 for character in text)
    return wide * _WIDE + (len(text) - wide) * _NARROW
