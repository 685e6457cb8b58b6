"""Results of the runs: time to the target by contestant, and ratios of this project's to it."""

import math

import pandas as pd

from benchmarks.versus.contestants import OURS

QUARTILES = {"lower_quartile": 0.25, "upper_quartile": 0.75}


def times_to_target(runs: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run.

    Args:
        runs: Row per run: contestant, seed, until_accuracy, at_most_seconds.
        epochs: Row per epoch: contestant, seed, val_accuracy, seconds since the start.

    Returns:
        For each run: whether it reached the target; the time until then, or the time limit, which
        is a lower bound, for a run that did not; the epochs that all trials ran until then; the
        time until the first epoch ended; and the wall time per epoch between the first and the
        last epoch.
    """
    found = []
    for run in runs.to_dict("records"):
        mine = (epochs["contestant"] == run["contestant"]) & (epochs["seed"] == run["seed"])
        search = epochs[mine]
        good = search.loc[search["val_accuracy"] >= run["until_accuracy"], "seconds"]
        seconds = float(good.min()) if len(good) else float(run["at_most_seconds"])
        counted = search[search["seconds"] <= seconds] if len(good) else search
        span = search["seconds"].max() - search["seconds"].min()
        found.append(
            {
                "contestant": run["contestant"],
                "seed": run["seed"],
                "reached": len(good) > 0,
                "seconds_to_target": seconds,
                "epochs_to_target": len(counted),
                "seconds_to_first_epoch": search["seconds"].min(),
                "seconds_per_epoch": span / (len(search) - 1) if len(search) > 1 else math.nan,
                "best_accuracy": search["val_accuracy"].max(),
            }
        )
    return pd.DataFrame(found)


def summarise(times: pd.DataFrame) -> pd.DataFrame:
    """Return one row per contestant: medians over the seeds.

    Args:
        times: Row per run, of ``times_to_target``.

    Returns:
        Number of runs, how many reached the target, and the medians. If this project's search is
        among the contestants, ``ratio_of_medians`` is its median time to the target divided by
        that of the contestant, and ``median_ratio`` the median of these ratios by seed.
    """
    groups = times.groupby("contestant", sort=False)
    seconds = groups["seconds_to_target"]
    table = groups.agg(runs=("seed", "size"), reached=("reached", "sum"))
    table["seconds_to_target"] = seconds.median()
    for name, share in QUARTILES.items():
        table[name] = seconds.quantile(share)
    others = ("epochs_to_target", "seconds_to_first_epoch", "seconds_per_epoch", "best_accuracy")
    for name in others:
        table[name] = groups[name].median()
    if OURS in table.index:
        by_seed = times.pivot(index="seed", columns="contestant", values="seconds_to_target")
        ratios = by_seed.rdiv(by_seed[OURS], axis=0)
        table["ratio_of_medians"] = seconds.median()[OURS] / seconds.median()
        table["median_ratio"] = ratios.median()
    return table.reset_index()
