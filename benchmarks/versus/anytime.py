"""Anytime curves: best validation accuracy of a search by its wall time."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLUMNS = ("lower_quartile", "median", "upper_quartile")


def anytime_curves(runs: pd.DataFrame, epochs: pd.DataFrame, step: float = 1.0) -> pd.DataFrame:
    """Return the quartiles of the best validation accuracy so far on a grid of times.

    The accuracy is 0 before the first epoch. A search that was ended at its target keeps its last
    accuracy, although it would have improved on it.

    Args:
        runs: Row per run: contestant, seed, at_most_seconds.
        epochs: Row per epoch: contestant, seed, val_accuracy, seconds since the start.
        step: Distance of the times in seconds.

    Returns:
        For each contestant and time: the number of runs, and the quartiles over them.
    """
    grid = np.arange(0.0, runs["at_most_seconds"].max() + step / 2, step)
    tables = []
    for contestant, of_contestant in runs.groupby("contestant", sort=False):
        mine = epochs[epochs["contestant"] == contestant]
        curves = [best_so_far(mine[mine["seed"] == seed], grid) for seed in of_contestant["seed"]]
        quartiles = np.quantile(curves, (0.25, 0.5, 0.75), axis=0)
        table = pd.DataFrame(dict(zip(COLUMNS, quartiles.round(5), strict=True)))
        table.insert(0, "contestant", contestant)
        table.insert(1, "seconds", grid)
        table.insert(2, "runs", len(curves))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def best_so_far(epochs: pd.DataFrame, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best validation accuracy of one run until each time.

    Args:
        epochs: Row per epoch: val_accuracy, seconds.
        times: Times in seconds.
    """
    ordered = epochs.sort_values("seconds")
    best = np.maximum.accumulate([0.0, *ordered["val_accuracy"].fillna(0.0)])
    found: NDArray[np.float64] = best[np.searchsorted(ordered["seconds"], times, side="right")]
    return found


def at_times(curves: pd.DataFrame, step: float) -> pd.DataFrame:
    """Return a table of medians and quartiles, with a column per time.

    Args:
        curves: Curves of ``anytime_curves``.
        step: Distance of the times in seconds.
    """
    shown = curves[(curves["seconds"] > 0) & (curves["seconds"] % step == 0)]
    text = [
        f"{median:.4f} ({lower:.4f} to {upper:.4f})"
        for lower, median, upper in shown[list(COLUMNS)].to_numpy()
    ]
    names = [f"{seconds:g} s" for seconds in shown["seconds"]]
    wide = shown.assign(text=text, time=names).pivot(
        index="contestant", columns="time", values="text"
    )
    # No time is shown if the curves are shorter than the step.
    rows = wide.reindex(index=curves["contestant"].unique(), columns=list(dict.fromkeys(names)))
    return rows.rename_axis(index="contestant").reset_index()
