"""Recorded learning curves: configurations with the accuracy and cost of every epoch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_mnist.tuning.spaces.space import SearchSpace

# Accuracy of an untrained network on ten digits.
CHANCE = 0.1


@dataclass(frozen=True)
class Curves:
    """Configurations and their learning curves; row i of an array belongs to configurations[i].

    Attributes:
        configurations: Hyperparameters of each configuration, without inactive conditional ones.
        accuracy: val_accuracy after each epoch, float64 (N, E); NaN from divergence on.
        seconds: Duration of each epoch, float64 (N, E).
    """

    configurations: list[dict[str, Any]]
    accuracy: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def epochs(self) -> int:
        """Number of epochs of a configuration that is never stopped."""
        return int(self.accuracy.shape[1])

    @property
    def final(self) -> NDArray[np.float64]:
        """Accuracy after the last epoch, float64 (N,); chance level after divergence."""
        return np.nan_to_num(self.accuracy[:, -1], nan=CHANCE)

    def take(self, rows: Iterable[int]) -> "Curves":
        """Return a subset of the configurations, in the given order."""
        chosen = list(rows)
        configurations = [self.configurations[row] for row in chosen]
        return Curves(configurations, self.accuracy[chosen], self.seconds[chosen])


def load_curves(table: Path, space: SearchSpace) -> Curves:
    """Read the curves of a search space from a table that ``record_curves`` has written."""
    frame = pd.read_csv(table).sort_values(["number", "epoch"])
    first = frame[frame["epoch"] == 1]
    configurations = [
        {name: row[name] for name in space.parameter_names if not pd.isna(row[name])}
        for row in first.to_dict("records")
    ]
    shape = (len(first), -1)
    return Curves(
        configurations,
        frame["val_accuracy"].to_numpy(np.float64).reshape(shape),
        frame["seconds"].to_numpy(np.float64).reshape(shape),
    )
