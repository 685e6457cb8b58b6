"""Formatting of numbers, lists and ranges for the sentences of a report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from tune_mnist.durations import MINUTE
from tune_mnist.quoting import shortened
from tune_mnist.training import short_number

HOUR = 3600
LONGEST_LABEL = 24
"""Maximum number of characters of a class name on an axis."""


def percent(share: float) -> str:
    """Format a share as a whole percentage."""
    return f"{share:.0%}"


def seconds(duration: float) -> str:
    """Format a duration in seconds as seconds, minutes or hours."""
    if duration < MINUTE:
        return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"
    if duration < HOUR:
        return f"{duration / MINUTE:.1f} min"
    return f"{duration / HOUR:.1f} h"


def count(amount: int, noun: str) -> str:
    """Format an amount with a noun, such as ``1 trial`` or ``2 trials``."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def listed(parts: Iterable[str]) -> str:
    """Join phrases by commas, with ``and`` before the last phrase."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def span(values: Iterable[float]) -> str:
    """Format the range of numbers as text, such as ``0.1 to 0.5``."""
    ordered = sorted(values)
    low, high = short_number(ordered[0]), short_number(ordered[-1])
    return low if low == high else f"{low} to {high}"


def shares(values: Iterable[Any]) -> str:
    """List values with their number of occurrences, the most frequent first."""
    counted = Counter(map(str, values)).most_common()
    return listed(f"{value} ({times})" for value, times in counted)


def axis_labels(names: Sequence[str]) -> list[str]:
    """Return labels of classes for an axis: short, unique, and escaped for plotly."""
    labels = [escape(shortened(name, LONGEST_LABEL), quote=False) for name in names]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{number} {label}" for number, label in enumerate(labels)]
