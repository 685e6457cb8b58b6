"""What several seeds say of one configuration."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean and spread of accuracies.

    Attributes:
        mean: of them.
        sd: sample standard deviation; NaN of a single one.
        low: lower end of the 95 % interval of the mean, by Student's t; NaN of a single one.
        high: its upper end.
        count: how many there are.
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
        """The 95 % interval in words, None if there is none."""
        return None if math.isnan(self.low) else f"{self.low:.4f} to {self.high:.4f}"


def spread(accuracies: Sequence[float]) -> Spread:
    """Return mean and spread of accuracies, each between 0 and 1; at least one.

    The interval is cut off at 0 and 1, beyond which no accuracy lies.
    """
    count = len(accuracies)
    mean = statistics.fmean(accuracies)
    if count == 1:
        return Spread(mean, math.nan, math.nan, math.nan, count)
    sd = statistics.stdev(accuracies)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * sd / math.sqrt(count)
    return Spread(mean, sd, max(0.0, mean - half), min(1.0, mean + half), count)
