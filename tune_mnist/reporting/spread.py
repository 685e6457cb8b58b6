"""Mean, standard deviation and confidence interval of accuracies over seeds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

CONFIDENCE = 0.95
MAX_P = round(1 - CONFIDENCE, 6)
"""p-value below which a difference holds."""


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation and confidence interval of accuracies.

    Attributes:
        mean: Arithmetic mean.
        sd: Sample standard deviation. NaN if there is only one accuracy.
        low: Lower end of the 95% confidence interval of the mean, by Student's t-distribution.
            NaN if there is only one accuracy.
        high: Upper end of the confidence interval. NaN if there is only one accuracy.
        count: Number of accuracies.
    """

    mean: float
    sd: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.4f}" if math.isnan(self.sd) else f"{self.mean:.4f} ± {self.sd:.4f}"

    @property
    def interval(self) -> str | None:
        """Confidence interval as text, or None if there is only one accuracy."""
        return None if math.isnan(self.low) else f"{self.low:.4f} to {self.high:.4f}"


def spread(accuracies: Sequence[float]) -> Spread:
    """Return the mean, the standard deviation and the 95% confidence interval of accuracies.

    The interval is clipped to [0, 1].

    Args:
        accuracies: One or more accuracies, from 0 to 1.
    """
    count = len(accuracies)
    mean = statistics.fmean(accuracies)
    if count == 1:
        return Spread(mean, math.nan, math.nan, math.nan, count)
    sd = statistics.stdev(accuracies)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * sd / math.sqrt(count)
    return Spread(mean, sd, max(0.0, mean - half), min(1.0, mean + half), count)
