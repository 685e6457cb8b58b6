"""Axes by the logarithm, with few round ticks: plotly's own are many, small and named 100µ."""

import math
from collections.abc import Callable, Iterable
from typing import Any

_LEAST = 1e-12
_WIDE = 1.5
_VERY_WIDE = 4


def set_ticks(axis: Any, values: Iterable[float], name: Callable[[float], str]) -> None:
    """Make an axis logarithmic, with ticks that suit how far its values reach.

    Args:
        axis: of a figure; changed in place.
        values: what is shown along it.
        name: writes a tick.
    """
    positive = [max(value, _LEAST) for value in values]
    low, high = min(positive), max(positive)
    ticks = [tick for tick in _round_ticks(low, high) if low / 1.6 <= tick <= high * 1.6]
    if not ticks:
        ticks = sorted({low, high})
    axis.update(
        type="log", tickmode="array", tickvals=ticks, ticktext=[name(tick) for tick in ticks]
    )


def power(value: float) -> str:
    """Return a small number as a digit and a power of ten: 2e-4."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def short(value: float) -> str:
    """Return a large number with k or M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _round_ticks(low: float, high: float) -> list[float]:
    reach = math.log10(high / low)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    mantissas = (1,) if reach > _WIDE else (1, 2, 5)
    step = 2 if reach > _VERY_WIDE else 1
    decades = range(first, last + 1, step)
    return [mantissa * 10.0**decade for decade in decades for mantissa in mantissas]
