"""Bounds of medians and ratios of times, some of which are only lower bounds.

A run that did not reach its target has its time limit in place of its time to the target. The
true time is at least as long. A quantile is a bound, too, if such a time could change it.
"""

import math

import numpy as np
import pandas as pd

from benchmarks.versus.contestants import OURS
from benchmarks.versus.summary import QUARTILES

EXACT, AT_LEAST, AT_MOST, UNKNOWN = "", "≥", "≤", "?"
"""What a value is: the true value, a lower bound of it, an upper bound of it, or neither."""


def bounds(times: pd.DataFrame) -> pd.DataFrame:
    """Return whether each median, quartile and ratio of ``summarise`` is a bound.

    Args:
        times: Row per run, of ``times_to_target``.

    Returns:
        Row per contestant, in the order of ``summarise``, with its columns of times and ratios.
        Each value is EXACT, AT_LEAST, AT_MOST or UNKNOWN.
    """
    shares = {"seconds_to_target": 0.5, **QUARTILES}
    ours = times[times["contestant"] == OURS].set_index("seed")
    rows = []
    for contestant, runs in times.groupby("contestant", sort=False):
        row = {"contestant": contestant}
        seconds, most = runs["seconds_to_target"], _most(runs)
        row |= {name: _bound(seconds, seconds, most, share) for name, share in shares.items()}
        if len(ours):
            row |= _ratio_bounds(ours, runs.set_index("seed"))
        rows.append(row)
    return pd.DataFrame(rows)


def _ratio_bounds(ours: pd.DataFrame, other: pd.DataFrame) -> dict[str, str]:
    """Return the bounds of the ratios of this project's times to those of a contestant."""
    if other["contestant"].iloc[0] == OURS:
        return {"ratio_of_medians": EXACT, "median_ratio": EXACT}
    medians = [_quantile(each["seconds_to_target"], 0.5) for each in (ours, other)]
    most = [_quantile(_most(each), 0.5) for each in (ours, other)]
    seeds = ours.index.intersection(other.index)
    ours, other = ours.loc[seeds], other.loc[seeds]
    mine, theirs = ours["seconds_to_target"], other["seconds_to_target"]
    return {
        "ratio_of_medians": _compare(
            medians[0] / medians[1], medians[0] / most[1], most[0] / medians[1]
        ),
        "median_ratio": _bound(mine / theirs, mine / _most(other), _most(ours) / theirs, 0.5),
    }


def _most(runs: pd.DataFrame) -> pd.Series:
    """Return the largest possible time to the target of each run."""
    return runs["seconds_to_target"].where(runs["reached"], math.inf)


def _bound(values: pd.Series, least: pd.Series, most: pd.Series, share: float) -> str:
    """Return whether a quantile of values is a bound.

    Args:
        values: Values, as published.
        least: Smallest possible true value of each.
        most: Largest possible true value of each.
        share: Quantile, from 0 to 1.
    """
    return _compare(*(_quantile(each, share) for each in (values, least, most)))


def _compare(value: float, least: float, most: float) -> str:
    if least < value < most:
        return UNKNOWN
    if value < most:
        return AT_LEAST
    return AT_MOST if least < value else EXACT


def _quantile(values: pd.Series, share: float) -> float:
    """Return a quantile, interpolated as by pandas, of values that may be infinite."""
    if values.empty:
        return math.nan
    ordered = np.sort(values.to_numpy(dtype=float))
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low if low == high else low + (high - low) * (place - math.floor(place)))
