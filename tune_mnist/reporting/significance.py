"""Significance of the difference between the test accuracies of two configurations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tune_mnist.reporting.spread import CONFIDENCE, MAX_P
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
        low: Lower end of the 95% confidence interval of the difference over the seeds.
        high: Upper end of the confidence interval over the seeds.
        image_low: Lower end of the 95% confidence interval of the difference over the test
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

    def p_value(self, mean: float) -> float:
        """Return the p-value of a difference by a t-test."""
        if not self.standard:
            return 1.0  # Identical runs have no spread, which is not evidence of a difference.
        return float(2 * stats.t.sf(abs(mean) / self.standard, self.freedom))


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
    errors, others = first.error_shares, second.error_shares
    if errors is None or others is None or len(errors) != len(others):
        image_interval, p = (np.nan, np.nan), seeds.p_value(mean)
    else:
        images = _error_of_mean(others - errors)
        image_interval = images.interval(mean)
        if len(first.accuracies) == len(second.accuracies) == 1:
            p = _mcnemar(errors, others)
        else:
            p = _combined([seeds, images]).p_value(mean)
    return Difference(better, worse, mean, *seeds.interval(mean), *image_interval, p)


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


def _mcnemar(errors: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the p-value of McNemar's exact test, given the errors of two single runs.

    A t-test over the images is overconfident if few images are classified differently.
    """
    only_first, only_second = int((errors > others).sum()), int((others > errors).sum())
    if not only_first + only_second:
        return 1.0
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def _combined(errors: Sequence[_Error]) -> _Error:
    """Return the standard error of a sum of independent parts, by Welch and Satterthwaite."""
    known = [each for each in errors if each.standard]
    variance = sum(each.standard**2 for each in known)
    if not variance:
        return _Error(0.0, 0.0)
    freedom = variance**2 / sum(each.standard**4 / each.freedom for each in known)
    return _Error(float(np.sqrt(variance)), freedom)


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
