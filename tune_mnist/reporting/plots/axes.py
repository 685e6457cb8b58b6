"""Logarithmic axes: costs by their logarithm, accuracies by the logarithm of their error.

Plotly's default ticks on a logarithmic axis are numerous, small and labelled like 100µ. The ticks
set here are few and round.

An axis of accuracies shows the logarithm of the error, which stretches the range near 1, where
most good trials are: the step from 0.98 to 0.99 is as large as that from 0.8 to 0.9, because each
of them halves the error.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import plotly.graph_objects as go

_SMALLEST = 1e-12
_WIDE = 1.5
_VERY_WIDE = 4
ACCURACY_TITLE = "{name} (log of the error)"
_MANTISSAS = (1.0, 0.5, 0.2)
_FINE_MANTISSAS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12)
_MIN_TICKS = 3
_PADDING = 0.06
_NO_ERROR_AT_ALL = 1e-3
_NARROW_MARGIN, _MARGIN = 2.6, 1.6
"""Factors by which ticks may exceed the values. Any range with the larger one has two ticks."""

_FEW = 10
_EVEN_TICKS = 3
_SAME = 1e-5


def set_ticks(axis: Any, values: Iterable[float], name: Callable[[float], str]) -> None:
    """Make an axis logarithmic, with ticks that suit the range of its values.

    Args:
        axis: Axis of a figure. It is changed in place.
        values: Values along the axis.
        name: Function that formats a value as a tick label.
    """
    positive = [max(value, _SMALLEST) for value in values]
    low, high = min(positive), max(positive)
    ticks = _round_ticks(low, high, _MARGIN)
    if sum(low <= tick <= high for tick in ticks) < 2:
        # Plotly shows only the range of the values, in which there would be one tick or none.
        ticks = _round_ticks(low, high, _NARROW_MARGIN)
        ends = (math.log10(min(low, ticks[0])), math.log10(max(high, ticks[-1])))
        padding = (ends[1] - ends[0]) * _PADDING
        axis.update(range=[ends[0] - padding, ends[1] + padding])
    axis.update(
        type="log", tickmode="array", tickvals=ticks, ticktext=[name(tick) for tick in ticks]
    )


def whole_ticks(count: int) -> dict[str, Any]:
    """Return options for ticks at whole numbers only, as plotly also sets ticks at halves.

    Args:
        count: Number of whole numbers in the range of the axis or colour bar.
    """
    return {"tickformat": "d", "dtick": 1} if count <= _FEW else {"tickformat": "d"}


def power(value: float) -> str:
    """Format a small number as a digit and a power of ten, such as ``2e-4``."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def short(value: float) -> str:
    """Format a large number with the suffix k or M, such as ``61.7k``."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _round_ticks(low: float, high: float, margin: float) -> list[float]:
    """Return round values that cover ``low`` to ``high``.

    The values are powers of ten, or 1, 2 and 5 times powers of ten if there are too few of these
    or the range is narrow.

    Args:
        low: Lowest value along the axis.
        high: Highest value along the axis.
        margin: Factor by which ticks may be below ``low`` or above ``high``.
    """
    reach = math.log10(high / low)
    first, last = math.floor(math.log10(low / margin)), math.ceil(math.log10(high * margin))
    decades = range(first, last + 1, 2 if reach > _VERY_WIDE else 1)
    ticks: list[float] = []
    for mantissas in ((1,), (1, 2, 5)) if reach > _WIDE else ((1, 2, 5),):
        ticks = [mantissa * 10.0**decade for decade in decades for mantissa in mantissas]
        ticks = [tick for tick in ticks if low / margin <= tick <= high * margin]
        if len(ticks) >= _MIN_TICKS:
            break
    return ticks


def stretch(figure: go.Figure, name: str) -> go.Figure:
    """Show the accuracies on the y axis of a figure on a logarithmic scale of the errors.

    Accuracies near 1 are then easier to distinguish. The ticks still show accuracies, and the
    hover text can use the accuracies of the points, which are stored as ``customdata``.

    Args:
        figure: Figure with accuracies as y values. It is changed in place and returned.
        name: Name of the accuracy, for the title of the y axis.
    """
    accuracies = [
        [None if not _is_accuracy(value) else float(value) for value in trace.y]
        for trace in figure.data
    ]
    errors = [1 - value for values in accuracies for value in values if value is not None]
    floor = min((error for error in errors if error > 0), default=2 * _NO_ERROR_AT_ALL) / 2
    for trace, values in zip(figure.data, accuracies, strict=True):
        trace.customdata = values
        trace.y = [None if value is None else max(1 - value, floor) for value in values]
    low, high = max(min(errors, default=0.1), floor), max(max(errors, default=1), floor)
    padding = max(math.log10(high / low), 0.1) * _PADDING
    ticks = _error_ticks(low, high)
    digits = 6 if len(ticks) > 1 else 5
    figure.update_yaxes(
        type="log",
        range=[math.log10(high) + padding, math.log10(low) - padding],
        tickmode="array",
        tickvals=ticks,
        ticktext=["1" if tick == floor else f"{1 - tick:.{digits}g}" for tick in ticks],
        title_text=ACCURACY_TITLE.format(name=name),
    )
    return figure


def _is_accuracy(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _error_ticks(low: float, high: float) -> list[float]:
    """Return errors from ``low`` to ``high`` whose accuracies are round numbers."""
    for mantissas in (_MANTISSAS, _FINE_MANTISSAS):
        decades = range(math.ceil(-math.log10(low)) + 1)
        ticks = [m * 10.0**-decade for decade in decades for m in mantissas]
        ticks = [tick for tick in ticks if low / 1.05 <= tick <= high * 1.05]
        if len(ticks) >= _MIN_TICKS:
            return ticks
    return ticks if len(ticks) > 1 else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """Return round errors at equal distances. In a narrow range, they look even on a log axis."""
    if high - low < _SAME:
        return [low]
    widest = (high - low) / _EVEN_TICKS
    size = 10.0 ** math.floor(math.log10(widest))
    step = max((size * factor for factor in (2, 5) if size * factor <= widest), default=size)
    return [step * n for n in range(math.floor(high / step), math.ceil(low / step) - 1, -1)]
