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


def set_ticks(axis: Any, values: Iterable[float], name: Callable[[float], str]) -> None:
    """Make an axis logarithmic, with ticks that suit the range of its values.

    Args:
        axis: Axis of a figure. It is changed in place.
        values: Values along the axis.
        name: Function that formats a value as a tick label.
    """
    positive = [max(value, _SMALLEST) for value in values]
    low, high = min(positive), max(positive)
    ticks = _round_ticks(low, high) or sorted({low, high})
    axis.update(
        type="log", tickmode="array", tickvals=ticks, ticktext=[name(tick) for tick in ticks]
    )


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


def _round_ticks(low: float, high: float) -> list[float]:
    """Return round values that cover ``low`` to ``high``, at most a factor of 1.6 outside.

    The values are powers of ten, or 1, 2 and 5 times powers of ten if there are too few of these
    or the range is narrow. There may be none.
    """
    reach = math.log10(high / low)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1, 2 if reach > _VERY_WIDE else 1)
    ticks: list[float] = []
    for mantissas in ((1,), (1, 2, 5)) if reach > _WIDE else ((1, 2, 5),):
        ticks = [mantissa * 10.0**decade for decade in decades for mantissa in mantissas]
        ticks = [tick for tick in ticks if low / 1.6 <= tick <= high * 1.6]
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
    figure.update_yaxes(
        type="log",
        range=[math.log10(high) + padding, math.log10(low) - padding],
        tickmode="array",
        tickvals=ticks,
        ticktext=["1" if tick == floor else f"{1 - tick:.6g}" for tick in ticks],
        title_text=ACCURACY_TITLE.format(name=name),
    )
    return figure


def _is_accuracy(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _error_ticks(low: float, high: float) -> list[float]:
    """Return round errors from ``low`` to ``high``; add both ends if there are fewer than two."""
    for mantissas in (_MANTISSAS, _FINE_MANTISSAS):
        decades = range(math.ceil(-math.log10(low)) + 1)
        ticks = [m * 10.0**-decade for decade in decades for m in mantissas]
        ticks = [tick for tick in ticks if low / 1.05 <= tick <= high * 1.05]
        if len(ticks) >= _MIN_TICKS:
            return ticks
    return sorted({*ticks, low, high}, reverse=True) if len(ticks) < 2 else ticks
