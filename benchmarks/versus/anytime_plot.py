"""Picture of the anytime curves of all contestants."""

import pandas as pd

from benchmarks.versus.contestants import MODULES, WITHOUT_PORTFOLIO, module_of
from docs.pictures.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    document,
    line,
    polygon,
    polyline,
    rect,
    text,
)

COLOURS = dict(zip(MODULES, (BLUE, ORANGE, GREEN, PURPLE, INK, "#b3261e"), strict=True))
"""Colour of each contestant with its usual use of the portfolio, or with the portfolio."""

BELOW_TARGET, ABOVE_TARGET = 0.08, 0.01
"""Accuracies shown below and above the target."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 760, 420, 60, 48, 44, 230
_LINES, _TICKS = 9, 5

Point = tuple[float, float]


def draw(curves: pd.DataFrame, target: float, title: str) -> str:
    """Return the picture as SVG: the median of each contestant, and its quartiles as a band.

    Args:
        curves: Curves of ``anytime_curves``.
        target: Validation accuracy at which the searches were ended.
        title: Title of the picture.
    """
    low, high = target - BELOW_TARGET, target + ABOVE_TARGET
    longest = float(curves["seconds"].max())
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(seconds: float) -> float:
        return _LEFT + seconds / longest * width

    def y(accuracy: float) -> float:
        within = min(max(accuracy, low), high)
        return _TOP + (high - within) / (high - low) * height

    def points(curve: pd.DataFrame, column: str) -> list[Point]:
        return [(x(at), y(value)) for at, value in zip(curve.seconds, curve[column], strict=True)]

    shapes = [text(16, 26, title, size=14, bold=True)]
    for index in range(_LINES + 1):
        accuracy = low + index * (high - low) / _LINES
        reached = abs(accuracy - target) < (high - low) / (2 * _LINES)
        colour = GREY if reached else PALE
        shapes.append(line(_LEFT, y(accuracy), _LEFT + width, y(accuracy), colour=colour))
        shapes.append(text(_LEFT - 8, y(accuracy) + 4, f"{accuracy:.2f}", size=12, anchor="end"))
    for index in range(_TICKS + 1):
        at = index * longest / _TICKS
        shapes.append(text(x(at), _HEIGHT - 24, f"{at:.0f}", size=12, anchor="middle"))
    shapes.append(text(_LEFT + width, _HEIGHT - 8, "seconds", size=12, fill=GREY, anchor="end"))
    groups = [
        (_colour(str(name)), name, curve)
        for name, curve in curves.groupby("contestant", sort=False)
    ]
    for colour, _, curve in groups:
        band = points(curve, "lower_quartile") + points(curve, "upper_quartile")[::-1]
        shapes.append(polygon(band, fill=colour, opacity=0.1))
    for row, (colour, name, curve) in enumerate(groups):
        shapes.append(polyline(points(curve, "median"), colour=colour))
        label = _TOP + 20 + 22 * row
        shapes.append(rect(_LEFT + width + 18, label - 9, 12, 12, fill=colour, radius=2))
        shapes.append(text(_LEFT + width + 36, label + 1, str(name)))
    return document(_WIDTH, _HEIGHT, title, shapes)


def _colour(name: str) -> str:
    return GREY if name.endswith(WITHOUT_PORTFOLIO) else COLOURS[module_of(name)]
