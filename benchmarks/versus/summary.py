"""Results of the searches: medians over the seeds, and ratios to the plain Ray Tune script."""

import math

import pandas as pd

REFERENCE = "ray_tune"
TIMES = ("wall_seconds", "wall_seconds_per_epoch", "seconds_to_target")


def searches(rows: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return one row per search.

    Args:
        rows: Row per epoch: contestant, seed, trial, epoch, val_accuracy, seconds since the start
            of the command, wall_seconds of the whole command.
        target: Target val_accuracy.

    Returns:
        For each contestant and seed: wall_seconds, number of epochs, wall_seconds_per_epoch,
        best_accuracy, and seconds_to_target, which is infinite if the target was not reached.
    """
    found = []
    for (contestant, seed), search in rows.groupby(["contestant", "seed"], sort=False):
        wall = float(search["wall_seconds"].iloc[0])
        reached = search.loc[search["val_accuracy"] >= target, "seconds"]
        found.append(
            {
                "contestant": contestant,
                "seed": seed,
                "wall_seconds": wall,
                "epochs": len(search),
                "wall_seconds_per_epoch": wall / len(search),
                "best_accuracy": float(search["val_accuracy"].max()),
                "seconds_to_target": float(reached.min()) if len(reached) else math.inf,
            }
        )
    return pd.DataFrame(found)


def summarise(rows: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return one row per contestant: medians over the seeds, and ratios to plain Ray Tune.

    The time to the target is infinite for a search that did not reach it, so a failure never
    improves a median. Without the plain Ray Tune script there are no ratios.
    """
    medians = (
        searches(rows, target)
        .drop(columns="seed")
        .groupby("contestant", sort=False)
        .median()
        .reset_index()
    )
    reference = medians[medians["contestant"] == REFERENCE]
    if len(reference):
        for name in TIMES:
            ratio = medians[name] / reference[name].iloc[0]
            medians[name.replace("seconds", "ratio")] = ratio
    return medians
