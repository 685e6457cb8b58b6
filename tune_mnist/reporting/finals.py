"""Tables of the final evaluation: test accuracies, recall by class and confused classes."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_mnist.reporting.ensembles import ensemble_tables
from tune_mnist.reporting.spread import CONFIDENCE, spread
from tune_mnist.reporting.tables import Comparison, cell, comparison
from tune_mnist.reporting.verdict import verdict_tables
from tune_mnist.training.ensemble_file import Ensemble
from tune_mnist.tuning.final.runs import FinalRun

PAIRS = 5
_INTERVAL = (
    f"{CONFIDENCE:.0%} confidence interval of the mean: Student's t over the seeds, which covers"
    " the randomness of training but not of the choice of test images"
)


def by_configuration(runs: Sequence[FinalRun]) -> dict[tuple[str, int], list[FinalRun]]:
    """Group final runs by configuration, identified by architecture and trial number."""
    groups: dict[tuple[str, int], list[FinalRun]] = {}
    for run in runs:
        groups.setdefault((run.model, run.trial), []).append(run)
    return groups


def test_columns(runs: Sequence[FinalRun]) -> dict[str, Any]:
    """Return table columns that summarize the test accuracy of a configuration.

    Args:
        runs: Final runs of the configuration.

    Returns:
        Values, keyed by column. Empty if there are no runs.
    """
    if not runs:
        return {}
    tested = spread([run.test_accuracy for run in runs])
    return {
        "test": str(tested),
        "interval": tested.interval,
        "test_accuracy": tested.mean,
        "test_sd": tested.sd,
        "test_low": tested.low,
        "test_high": tested.high,
        "seeds": tested.count,
    }


def final_tables(
    runs: Sequence[FinalRun],
    asked: int,
    class_names: Sequence[str],
    ensemble: Ensemble | None = None,
    *,
    resumable: bool = True,
) -> list[Comparison]:
    """Return the tables of the final evaluation.

    Args:
        runs: Final runs of all configurations.
        asked: Number of runs per configuration that the user has requested.
        class_names: Names of the classes.
        ensemble: Ensemble of the search, or None if there is none.
        resumable: Whether the search can be resumed.

    Returns:
        Tables in reading order. Without runs, only the table of the ensemble, if there is one.
    """
    if not runs:
        return ensemble_tables(ensemble, {})
    tables = [
        _evaluation(runs, missing_runs(runs, asked, resumable=resumable)),
        *verdict_tables(labelled(runs)),
        *ensemble_tables(ensemble, labelled(runs)),
        _by_seed(runs),
        _recall(runs, class_names),
        _confused(runs, class_names),
    ]
    return [table for table in tables if not table.cells.empty]


def missing_runs(runs: Sequence[FinalRun], asked: int, *, resumable: bool) -> str:
    """Return a sentence on the configurations with fewer runs than requested, or ``""``.

    The results folder has no trace of a final run that failed, so the sentence does not say which
    of the missing runs have failed.

    Args:
        runs: Final runs of all configurations.
        asked: Number of runs per configuration that the user has requested.
        resumable: Whether the search can be resumed.
    """
    short = [
        f"{len(group)} of {asked} for {label}"
        for label, group in labelled(runs).items()
        if len(group) < asked
    ]
    if not short:
        return ""
    remedy = ": --resume runs them" if resumable else ""
    return f" Finished runs: {', '.join(short)}; the others have not run yet, or failed{remedy}."


def _evaluation(runs: Sequence[FinalRun], missing: str) -> Comparison:
    rows = [
        {
            "model": model,
            "trial": trial,
            **test_columns(group),
            **_calibration_columns(group),
            "train_images": group[0].train_images,
            "epochs": group[0].config.get("max_epochs"),
            "train_seconds": statistics.fmean(run.train_seconds for run in group),
        }
        for (model, trial), group in by_configuration(runs).items()
    ]
    seeds = max(row["seeds"] for row in rows)
    times = f"with {seeds} seeds" if seeds > 1 else "with one seed"
    return comparison(
        "final",
        f"Final evaluation: retrained {times} and tested once",
        pd.DataFrame(rows),
        (
            *("model", "trial", "seeds", "test", "interval", "calibration_error", "temperature"),
            *("scaled_error", "train_images", "epochs", "train_seconds"),
        ),
        f"{_spread_words(rows)}{_calibration_words(rows)}seconds: mean training time of a run."
        f"{missing}",
        # Numbers distinguish configurations of the same architecture.
        files_only=("trial",) if all(run.best for run in runs) else (),
    )


def _calibration_columns(runs: Sequence[FinalRun]) -> dict[str, float]:
    """Return mean calibration columns; none if a run was made by an earlier version."""
    found = [run.calibration for run in runs if run.calibration is not None]
    if not found or len(found) < len(runs):
        return {}
    columns = {"calibration_error": statistics.fmean(each.error for each in found)}
    fitted = [
        (each.temperature, each.scaled_error)
        for each in found
        if each.temperature is not None and each.scaled_error is not None
    ]
    if len(fitted) == len(found):
        temperatures, errors = zip(*fitted, strict=True)
        columns["temperature"] = statistics.fmean(temperatures)
        columns["scaled_error"] = statistics.fmean(errors)
    return columns


def _calibration_words(rows: list[dict[str, Any]]) -> str:
    """Explain the calibration columns, or return ``""`` if there are none."""
    if not any("calibration_error" in row for row in rows):
        return ""
    words = "ECE: expected calibration error on the test images, in 15 bins; "
    if any("temperature" in row for row in rows):
        words += (
            "temperature: divisor of the logits that gives the trial's network the lowest log"
            " loss on the validation images; scaled ECE: ECE with this temperature; "
        )
    return words


def _spread_words(rows: list[dict[str, Any]]) -> str:
    """Explain mean, deviation and interval; return ``""`` if each configuration ran once."""
    if all(row["seeds"] == 1 for row in rows):
        return ""
    return f"Mean ± standard deviation over the seeds; {_INTERVAL}; "


def _by_seed(runs: Sequence[FinalRun]) -> Comparison:
    rows = pd.DataFrame([vars(run) for run in runs])
    columns = ("model", "trial", "seed", "test_accuracy", "train_images", "train_seconds")
    return comparison("final_runs", "Final runs, seed by seed", rows, columns)


def _recall(runs: Sequence[FinalRun], class_names: Sequence[str]) -> Comparison:
    recalls = pd.DataFrame(
        {
            label: np.mean([_recalls(run) for run in group], axis=0)
            for label, group in labelled(runs).items()
        }
    )
    shown = recalls.map(lambda recall: cell("recall", recall))
    recalls.insert(0, "true_class", list(class_names))
    shown.insert(0, "class", list(class_names))
    caption = (
        "Share of the test images of a class that were classified correctly, mean over the seeds."
    )
    return Comparison("Recall by class", shown, caption, "recall", recalls)


def _confused(runs: Sequence[FinalRun], class_names: Sequence[str]) -> Comparison:
    rows = []
    for label, group in labelled(runs).items():
        summed = np.sum([run.confusion for run in group], axis=0)
        wrong = summed - np.diag(summed.diagonal())
        for place in np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]:
            truth, predicted = np.unravel_index(place, wrong.shape)
            count = int(wrong[truth, predicted])
            if count:
                share = count / summed[truth].sum()
                rows.append((label, class_names[truth], class_names[predicted], count, share))
    columns = ("model", "true_class", "taken_for", "images", "share")
    return comparison(
        "confused",
        "Most confused pairs",
        pd.DataFrame(rows, columns=list(columns)),
        columns,
        f"The {PAIRS} most frequent errors, summed over the seeds; share: fraction of all test"
        " images of the class.",
    )


def labelled(runs: Sequence[FinalRun]) -> dict[str, list[FinalRun]]:
    """Group final runs by configuration, keyed by a label for tables.

    The label is the name of the architecture, followed by the trial number if several
    configurations have the same architecture.
    """
    groups = by_configuration(runs)
    models = [model for model, _ in groups]
    return {
        model if models.count(model) == 1 else f"{model} #{trial}": group
        for (model, trial), group in groups.items()
    }


def _recalls(run: FinalRun) -> NDArray[np.float64]:
    """Return the recall of each class; NaN for a class without images."""
    counts = np.array(run.confusion, dtype=float)
    images = counts.sum(axis=1)
    recalls: NDArray[np.float64] = np.full(len(counts), np.nan)
    np.divide(counts.diagonal(), images, out=recalls, where=images > 0)
    return recalls
