"""Verdict on the final runs: which differences in test accuracy are significant."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tune_mnist.reporting.significance import MIN_SEEDS, Difference, Sample, corrected, difference
from tune_mnist.reporting.spread import spread
from tune_mnist.reporting.tables import Comparison, comparison
from tune_mnist.reporting.text_format import count, listed
from tune_mnist.tuning.final.runs import FinalRun

Groups = Mapping[str, Sequence[FinalRun]]
"""Final runs, keyed by the label of their configuration."""


def differences(groups: Groups) -> list[Difference]:
    """Return the differences in test accuracy between all pairs of configurations.

    The differences are ordered by the accuracy of the better configuration, highest first.

    Args:
        groups: Final runs, keyed by the label of their configuration. Configurations with fewer
            than two runs are left out.
    """
    tested = {label: runs for label, runs in groups.items() if len(runs) >= MIN_SEEDS}
    samples = {label: Sample.of_runs(tested[label]) for label in _ranked(tested)}
    return corrected(
        [
            difference(better, worse, samples[better], samples[worse])
            for better, worse in itertools.combinations(samples, 2)
        ]
    )


def verdict(groups: Groups) -> str:
    """Summarize in a few sentences which configuration is the best on the test set.

    Args:
        groups: Final runs, keyed by the label of their configuration.

    Returns:
        Verdict as text. Empty if there are no final runs.
    """
    if not groups:
        return ""
    first, *rest = _ranked(groups)
    if not rest:
        return f"Test accuracy: {_described(first, groups)}."
    found = {(each.better, each.worse): each for each in differences(groups)}
    others = [(label, found.get((first, label))) for label in rest]
    above = [(label, each) for label, each in others if each is not None and each.holds]
    tied = [label for label, each in others if each is not None and not each.holds]
    unknown = [label for label, each in others if each is None]
    opening = "Best" if above and not tied and not unknown else "Highest mean"
    leads = [f"{each.mean * 100:.2f} points above {label}" for label, each in above]
    facts = ", ".join([_described(first, groups), *leads])
    sentences = [f"{opening} on the test set: {facts}."]
    if tied:
        sentences.append(
            f"{first} is tied with {listed(tied)}: chance can explain the difference."
        )
    if unknown:
        sentences.append(f"There are too few seeds to compare {first} with {listed(unknown)}.")
    return " ".join(sentences)


def verdict_tables(groups: Groups) -> list[Comparison]:
    """Return a table of the differences in test accuracy between all pairs of configurations.

    Args:
        groups: Final runs, keyed by the label of their configuration.

    Returns:
        List with the table. Empty if fewer than two configurations can be compared.
    """
    found = differences(groups)
    if not found:
        return []
    rows = [
        {
            "better": each.better,
            "worse": each.worse,
            "difference": f"{each.mean:.4f}",
            "over_seeds": f"{each.low:.4f} to {each.high:.4f}",
            "over_images": each.over_images,
            "p": f"{each.p:.2g}",
            "verdict": "holds" if each.holds else "tie",
        }
        for each in found
    ]
    table = comparison(
        "differences",
        "Which differences hold",
        pd.DataFrame(rows),
        tuple(rows[0]),
        "Differences in mean test accuracy, with confidence intervals: over the seeds by Welch's"
        " method, and over the test images, paired. p: p-value of a t-test with"
        f" the sum of both variances, Holm-corrected for {count(len(rows), 'pair')}. A tie is a"
        " difference that chance can explain.",
    )
    return [table]


def _ranked(groups: Groups) -> list[str]:
    """Return the labels of the configurations, that with the highest mean accuracy first."""
    return sorted(groups, key=lambda label: -float(np.mean(_accuracies(groups[label]))))


def _accuracies(runs: Sequence[FinalRun]) -> list[float]:
    return [run.test_accuracy for run in runs]


def _described(label: str, groups: Groups) -> str:
    runs = groups[label]
    return f"{label} with {spread(_accuracies(runs))} ({count(len(runs), 'seed')})"
