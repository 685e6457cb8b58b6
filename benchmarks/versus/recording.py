"""Tables of the runs of a comparison, so that an interrupted comparison resumes.

``runs.csv`` has a row per run with its settings, and ``epochs.csv`` a row per epoch. The row of
the run is written last: epochs of a run without a row are left out.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.searching import Rows
from benchmarks.versus.bounded_run import BoundedRun
from tune_mnist.errors import UserError

RUN = ["contestant", "seed"]


class Recording:
    """Runs that have been recorded in a folder.

    Args:
        folder: Folder of the tables; created if it does not exist.
        settings: Settings of all runs, keyed by column name.

    Raises:
        UserError: The folder has runs with other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._runs = Rows(folder / "runs.csv", RUN)
        self._epochs = Rows(folder / "epochs.csv", RUN, dtype={"trial": str})
        for name, value in settings.items():
            for found in self._runs.frame.get(name, pd.Series()).unique():
                if found != value:
                    raise UserError(
                        f"{folder / 'runs.csv'}: {name} is {found}, not {value}: give another"
                        " --output, or the settings of these runs"
                    )
        recorded = _keys(self._runs.frame)
        whole = [key in recorded for key in _keys(self._epochs.frame)]
        self._epochs.frame = self._epochs.frame.loc[np.array(whole, dtype=bool)]

    @property
    def runs(self) -> pd.DataFrame:
        """Row per run: contestant, seed, ending, wall_seconds, and the settings."""
        return self._runs.frame

    @property
    def epochs(self) -> pd.DataFrame:
        """Row per epoch: contestant, seed, trial, epoch, val_accuracy, seconds since the start."""
        return self._epochs.frame

    def has(self, contestant: str, seed: int) -> bool:
        """Return whether a run has been recorded."""
        return (contestant, seed) in _keys(self._runs.frame)

    def add(self, contestant: str, seed: int, run: BoundedRun, epochs: pd.DataFrame) -> None:
        """Add a run that has ended.

        Args:
            contestant: Name of the contestant.
            seed: Seed of the search.
            run: How the run ended.
            epochs: Its epochs: trial, epoch, val_accuracy, seconds.
        """
        if len(epochs):
            named = epochs.assign(contestant=contestant, seed=seed)
            self._epochs.add(named[[*RUN, *epochs.columns]])
        ended = {
            "contestant": contestant,
            "seed": seed,
            "ending": str(run.ending),
            "wall_seconds": round(run.wall_seconds, 2),
        }
        self._runs.add(pd.DataFrame([{**ended, **self._settings}]))


def _keys(frame: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(frame["contestant"], frame["seed"], strict=True))
