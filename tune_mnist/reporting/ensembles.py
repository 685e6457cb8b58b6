"""Comparison of a search's ensemble with its single networks: table and verdict."""

import statistics
from typing import Any

import pandas as pd

from tune_mnist.reporting.significance import Difference, Sample, corrected, difference
from tune_mnist.reporting.tables import SELECTED_HEADINGS, Comparison, comparison
from tune_mnist.reporting.verdict import Groups
from tune_mnist.training.ensemble_file import Ensemble, EnsembleTest

ENSEMBLE = "ensemble"
_HEADINGS = SELECTED_HEADINGS | {"lead": "lead of the ensemble"}


def ensemble_verdict(ensemble: Ensemble | None, groups: Groups) -> str:
    """State whether the ensemble beats the single networks on the test set.

    Args:
        ensemble: Ensemble of the search, or None if there is none.
        groups: Final runs, keyed by the label of their configuration.

    Returns:
        Verdict as text. Empty if there were too few trials to choose an ensemble from.
    """
    if ensemble is None or len(ensemble.candidates) == 1:
        return ""
    if ensemble.test is None:
        single = ensemble.candidates[0]
        return (
            f"No ensemble of the {ensemble.origin} is better than trial"
            f" #{single.trial} ({single.model}) alone on the validation images."
        )
    test = ensemble.test
    found = _differences(ensemble, test, groups)
    best = min(found, key=lambda each: each.mean)
    other = f"{best.worse}, the best single network on the validation images"
    if best is not found[0]:
        other = f"the mean of the {best.worse}"
    accuracy = f"{test.accuracy(test.ensemble):.4f}"
    reached = f"The ensemble of {ensemble.networks} reaches {accuracy} on the test images"
    points = f"{abs(best.mean) * 100:.2f}"
    if not float(points):
        return f"{reached}, the same as {other}."
    lead = f"{reached}, {points} points {'above' if best.mean > 0 else 'below'} {other}"
    return f"{lead}." if best.holds else f"{lead}: a tie, as chance can explain the difference."


def ensemble_tables(ensemble: Ensemble | None, groups: Groups) -> list[Comparison]:
    """Return a table that compares the ensemble with the single networks.

    Args:
        ensemble: Ensemble of the search, or None if there is none.
        groups: Final runs, keyed by the label of their configuration.

    Returns:
        List with the table. Empty if no ensemble was tested.
    """
    if ensemble is None or ensemble.test is None:
        return []
    test, single = ensemble.test, ensemble.candidates[0]
    found = _differences(ensemble, test, groups)
    rows: list[dict[str, Any]] = [
        {
            "network": ENSEMBLE,
            "val_accuracy": ensemble.val_accuracy,
            "test_accuracy": test.accuracy(test.ensemble),
            "calibration_error": test.ensemble.calibration_error,
        },
        {
            "network": found[0].worse,
            "val_accuracy": single.val_accuracy,
            "test_accuracy": test.accuracy(test.single),
            "calibration_error": test.single.calibration_error,
            **_compared(found[0]),
        },
    ]
    for each, runs in zip(found[1:], groups.values(), strict=True):
        errors = [run.calibration.error for run in runs if run.calibration is not None]
        rows.append(
            {
                "network": each.worse,
                "test_accuracy": statistics.fmean(run.test_accuracy for run in runs),
                "calibration_error": statistics.fmean(errors) if errors else None,
                **_compared(each),
            }
        )
    table = comparison(
        ENSEMBLE,
        f"Ensemble of {ensemble.describe()}",
        pd.DataFrame(rows),
        (
            *("network", "val_accuracy", "test_accuracy", "calibration_error"),
            *("lead", "over_images", "p", "verdict"),
        ),
        "The ensemble was selected greedily from the"
        f" {ensemble.origin} by the log loss on {ensemble.val_images:,} validation images; it"
        " predicts the mean of the probabilities. Final runs also train on the validation images."
        " A difference is a tie unless its p-value, Holm-corrected, is small: against a single"
        " network by McNemar's exact test, against final runs by a t-test that also covers their"
        " seeds. The test does not cover the training of the ensemble.",
        files_only=("over_images", "p"),
        files_caption=" The interval covers only the choice of the test images, paired. p: the"
        " p-value, which can be large although the interval is far from 0, if the seeds differ"
        " much.",
        headings=_HEADINGS,
    )
    return [table]


def _differences(ensemble: Ensemble, test: EnsembleTest, groups: Groups) -> list[Difference]:
    """Return the leads of the ensemble over the best single trial and over each finalist."""
    single = ensemble.candidates[0]
    whole, alone = (
        Sample.of_predictions(test.accuracy(predictions), predictions.misclassified, test.images)
        for predictions in (test.ensemble, test.single)
    )
    others = {f"trial #{single.trial}, {single.model}": alone} | {
        f"final runs of {label}": Sample.of_runs(runs) for label, runs in groups.items()
    }
    return corrected(
        [difference(ENSEMBLE, label, whole, other) for label, other in others.items()]
    )


def _compared(found: Difference) -> dict[str, Any]:
    better = "better" if found.mean > 0 else "worse"
    return {
        "lead": f"{found.mean:z.4f}",
        "over_images": found.over_images,
        "p": f"{found.p:.2g}",
        "verdict": better if found.holds else "tie",
    }
