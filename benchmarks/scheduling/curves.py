"""The recorded learning curves: configurations, and what each gave and cost in every epoch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_mnist.tuning.spaces.space import SearchSpace

# What a network that has learned nothing gets right of ten digits.
CHANCE = 0.1


@dataclass(frozen=True)
class Curves:
    """Configurations and their curves; row i of every array belongs to configurations[i].

    Attributes:
        configurations: the hyperparameters, those that exist under their conditions only.
        accuracy: val_accuracy after each epoch, float64 (N, E); nan once diverged.
        seconds: what each epoch cost, float64 (N, E).
    """

    configurations: list[dict[str, Any]]
    accuracy: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def epochs(self) -> int:
        """How many epochs a configuration that is never stopped trains."""
        return int(self.accuracy.shape[1])

    @property
    def final(self) -> NDArray[np.float64]:
        """Accuracy after the last epoch, float64 (N,); chance where the training diverged."""
        return np.nan_to_num(self.accuracy[:, -1], nan=CHANCE)

    def take(self, rows: Iterable[int]) -> "Curves":
        """Return some of the configurations, in that order."""
        chosen = list(rows)
        configurations = [self.configurations[row] for row in chosen]
        return Curves(configurations, self.accuracy[chosen], self.seconds[chosen])


def load_curves(table: Path, space: SearchSpace) -> Curves:
    """Read a table that ``record_curves`` wrote for the space."""
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
