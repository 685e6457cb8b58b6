"""Verdict on the final runs: which differences in test accuracy are significant."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tune_mnist.reporting.plots.text_format import listed
from tune_mnist.reporting.spread import CONFIDENCE, MAX_P, spread
from tune_mnist.reporting.tables import Comparison, comparison
from tune_mnist.tuning.final.runs import FinalRun

MIN_SEEDS = 2
"""Minimum number of runs needed to estimate the spread of a configuration over the seeds."""


@dataclass(frozen=True)
class Difference:
    """Difference in mean test accuracy between two configurations, with its significance.

    Two sources of randomness are considered: the training, estimated from the seeds, and the
    choice of the test images. They are independent, so their variances add up to the squared
    standard error ``over_seeds^2 + over_images^2``. The difference is tested by a t-test with
    Welch-Satterthwaite degrees of freedom. The p-value is corrected for the number of pairs by
    Holm's method (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
    Journal of Statistics, 1979).

    ``over_seeds`` is the standard error of the difference between the mean accuracies over the
    seeds. For ``over_images``, the share of seeds that classify an image correctly is compared
    between the configurations, image by image; it is the standard error of the mean difference.
    Randomness that depends on seed and image together is counted twice, so the test is
    conservative: in doubt, it reports a tie.

    Attributes:
        better: Label of the configuration with the higher mean test accuracy.
        worse: Label of the configuration with the lower mean test accuracy.
        mean: Difference between the two means, at least 0.
        low: Lower end of the 95 % confidence interval of the difference over the seeds.
        high: Upper end of the confidence interval over the seeds.
        image_low: Lower end of the 95 % confidence interval of the difference over the test
            images. NaN if the misclassified images of a run are unknown.
        image_high: Upper end of the confidence interval over the test images, or NaN.
        p: Corrected p-value of the difference.
    """

    better: str
    worse: str
    mean: float
    low: float
    high: float
    image_low: float
    image_high: float
    p: float

    @property
    def holds(self) -> bool:
        """Whether the difference is statistically significant at the level ``MAX_P``."""
        return self.p < MAX_P

    @property
    def over_images(self) -> str:
        """Confidence interval over the test images as text, or ``-`` if it is not known."""
        if np.isnan(self.image_low):
            return "-"
        return f"{self.image_low:.4f} to {self.image_high:.4f}"


def differences(groups: Mapping[str, Sequence[FinalRun]]) -> list[Difference]:
    """Return the differences in test accuracy between all pairs of configurations.

    The differences are ordered by the accuracy of the better configuration, highest first.

    Args:
        groups: Final runs, keyed by the label of their configuration. Configurations with fewer
            than two runs are left out.
    """
    tested = {label: runs for label, runs in groups.items() if len(runs) >= MIN_SEEDS}
    ranked = sorted(tested, key=lambda label: -_mean(tested[label]))
    pairs = list(itertools.combinations(ranked, 2))
    samples = {label: Sample.of_runs(runs) for label, runs in tested.items()}
    return corrected([difference(*pair, *(samples[label] for label in pair)) for pair in pairs])


def corrected(found: Sequence[Difference]) -> list[Difference]:
    """Correct the p-values of differences for multiple testing, by :func:`holm`."""
    p_values = holm([each.p for each in found])
    return [replace(each, p=p) for each, p in zip(found, p_values, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of several tests for multiple testing by Holm's method.

    Args:
        p_values: Uncorrected p-values, from 0 to 1.

    Returns:
        Corrected p-values in the same order.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def verdict(groups: Mapping[str, Sequence[FinalRun]]) -> str:
    """Summarize in a few sentences which configuration is the best on the test set.

    Args:
        groups: Final runs, keyed by the label of their configuration.

    Returns:
        Verdict as text. Empty if there are no final runs.
    """
    if not groups:
        return ""
    ranked = sorted(groups, key=lambda label: -_mean(groups[label]))
    first = ranked[0]
    if len(ranked) == 1:
        return f"Test accuracy: {_described(first, groups)}."
    found = {(each.better, each.worse): each for each in differences(groups)}
    others = [(label, found.get((first, label))) for label in ranked[1:]]
    sentences = []
    above = [(label, each) for label, each in others if each is not None and each.holds]
    tied = [label for label, each in others if each is not None and not each.holds]
    unknown = [label for label, each in others if each is None]
    opening = "Best" if above and not tied and not unknown else "Highest mean"
    leads = [f"{each.mean * 100:.2f} points above {label}" for label, each in above]
    facts = ", ".join([_described(first, groups), *leads])
    sentences.append(f"{opening} on the test set: {facts}.")
    if tied:
        sentences.append(
            f"{first} is tied with {listed(tied)}: chance can explain the difference."
        )
    if unknown:
        sentences.append(f"There are too few seeds to compare {first} with {listed(unknown)}.")
    return " ".join(sentences)


def verdict_tables(groups: Mapping[str, Sequence[FinalRun]]) -> list[Comparison]:
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
        ("better", "worse", "difference", "over_seeds", "over_images", "p", "verdict"),
        f"Differences in mean test accuracy, with {CONFIDENCE:.0%} confidence intervals: over the"
        " seeds by Welch's method, and over the test images, paired. p: p-value of a t-test with"
        f" the sum of both variances, Holm-corrected for {len(rows)}"
        f" pair{'s' * (len(rows) > 1)}. A tie is a difference that chance can explain.",
    )
    return [table]


class _Error(NamedTuple):
    """Standard error of a difference and its degrees of freedom. Both are 0 without any spread."""

    standard: float
    freedom: float

    def interval(self, mean: float) -> tuple[float, float]:
        """Return the ends of the confidence interval around a difference."""
        if not self.standard:
            return mean, mean
        reach = self.standard * float(stats.t.ppf((1 + CONFIDENCE) / 2, self.freedom))
        return mean - reach, mean + reach


class Sample(NamedTuple):
    """Test results of a configuration or an ensemble, to be compared with another sample.

    Attributes:
        accuracies: Test accuracy of each run.
        error_shares: Fraction of the runs that misclassify each test image, or None if it is
            unknown.
    """

    accuracies: NDArray[np.float64]
    error_shares: NDArray[np.float64] | None

    @classmethod
    def of_runs(cls, runs: Sequence[FinalRun]) -> "Sample":
        """Collect the test results of the final runs of a configuration."""
        return cls(np.array([run.test_accuracy for run in runs]), _error_shares(runs))

    @classmethod
    def of_predictions(
        cls, accuracy: float, misclassified: Sequence[int] | None, images: int
    ) -> "Sample":
        """Create the sample of test errors of one network or one ensemble, as that of one run.

        Args:
            accuracy: Test accuracy.
            misclassified: Indices of the misclassified test images, or None if unknown.
            images: Number of test images.
        """
        if misclassified is None:
            return cls(np.array([accuracy]), None)
        errors = np.zeros(images)
        errors[list(misclassified)] = 1
        return cls(np.array([accuracy]), errors)


def difference(better: str, worse: str, first: Sample, second: Sample) -> Difference:
    """Compare the test accuracy of two samples, and return the difference with its p-value.

    The p-value is not corrected for multiple tests. If both samples have only one run, they are
    compared by McNemar's exact test on the test images instead of a t-test.

    Args:
        better: Label of the first sample.
        worse: Label of the second sample.
        first: Sample with the higher expected accuracy.
        second: Sample whose mean accuracy is subtracted from that of the first one.
    """
    mean = float(first.accuracies.mean() - second.accuracies.mean())
    seeds = _combined([_error_of_mean(each.accuracies) for each in (first, second)])
    images = _over_images(first, second)
    known = [seeds] if images is None else [seeds, images]
    image_interval = (np.nan, np.nan) if images is None else images.interval(mean)
    p = _exact_p_value(first, second)
    p = _p_value(mean, _combined(known)) if p is None else p
    return Difference(better, worse, mean, *seeds.interval(mean), *image_interval, p)


def _exact_p_value(first: Sample, second: Sample) -> float | None:
    """Return the p-value of McNemar's exact test, or None if a sample has several runs.

    A t-test over the images is overconfident if few images are classified differently.
    """
    errors = _paired(first, second)
    if errors is None or max(len(first.accuracies), len(second.accuracies)) > 1:
        return None
    only_first, only_second = (
        int((errors[0] > errors[1]).sum()),
        int((errors[1] > errors[0]).sum()),
    )
    if not only_first + only_second:
        return 1.0
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def _p_value(mean: float, error: _Error) -> float:
    if not error.standard:
        return 1.0  # Identical runs have no spread, which is not evidence of a difference.
    return float(2 * stats.t.sf(abs(mean) / error.standard, error.freedom))


def _combined(errors: Sequence[_Error]) -> _Error:
    """Return the standard error of a sum of independent parts, by Welch and Satterthwaite."""
    spread = [each for each in errors if each.standard]
    variance = sum(each.standard**2 for each in spread)
    if not variance:
        return _Error(0.0, 0.0)
    freedom = variance**2 / sum(each.standard**4 / each.freedom for each in spread)
    return _Error(float(np.sqrt(variance)), freedom)


def _over_images(first: Sample, second: Sample) -> _Error | None:
    """Return the standard error of the mean difference over the test images. None if unknown."""
    errors = _paired(first, second)
    return None if errors is None else _error_of_mean(errors[1] - errors[0])


def _paired(
    first: Sample, second: Sample
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the error shares of both samples on the same images, or None if unknown."""
    one, other = first.error_shares, second.error_shares
    if one is None or other is None or len(one) != len(other):
        return None
    return one, other


def _error_of_mean(values: NDArray[np.float64]) -> _Error:
    if len(values) < MIN_SEEDS or np.ptp(values) == 0:
        return _Error(0.0, 0.0)
    return _Error(float(stats.sem(values)), len(values) - 1)


def _error_shares(runs: Sequence[FinalRun]) -> NDArray[np.float64] | None:
    """Return the share of runs that misclassify each test image, or None if unknown."""
    counts = np.zeros(int(np.sum(runs[0].confusion)))
    for run in runs:
        if run.misclassified is None or int(np.sum(run.confusion)) != len(counts):
            return None
        counts[run.misclassified] += 1
    return counts / len(runs)


def _mean(runs: Sequence[FinalRun]) -> float:
    return float(np.mean([run.test_accuracy for run in runs]))


def _described(label: str, groups: Mapping[str, Sequence[FinalRun]]) -> str:
    runs = groups[label]
    seeds = f"{len(runs)} seed{'s' * (len(runs) > 1)}"
    return f"{label} with {spread([run.test_accuracy for run in runs])} ({seeds})"
