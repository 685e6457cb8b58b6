"""Tables of the runs of a comparison, so that an interrupted comparison resumes.

``runs.csv`` has a row per run with its settings, and ``epochs.csv`` a row per epoch. The row of
the run is written last: epochs of a run without a row are left out. ``epochs.csv`` without
``runs.csv`` is refused, because nothing tells the settings of its runs.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.searching import Rows
from benchmarks.versus.bounded_run import BoundedRun
from tune_mnist.errors import UserError

RUN = ["contestant", "seed"]
EPOCH = ["trial", "epoch", "val_accuracy", "seconds"]


class Recording:
    """Runs that have been recorded in a folder.

    Args:
        folder: Folder of the tables; created if it does not exist.
        settings: Settings of all runs, keyed by column name.

    Raises:
        UserError: The folder has runs with other or unknown settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        runs, epochs = folder / "runs.csv", folder / "epochs.csv"
        if epochs.exists() and not runs.exists():
            raise UserError(
                f"{epochs}: there is no runs.csv with the settings of these epochs, which would be"
                " overwritten: give another --output"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        # Text such as the checksum 1e10 is not a number.
        texts = {name: str for name, value in settings.items() if isinstance(value, str)}
        self._runs = Rows(runs, RUN, dtype=texts)
        self._epochs = Rows(epochs, [*RUN, *EPOCH], dtype={"trial": str})
        for name, value in settings.items():
            for found in self._recorded(name):
                if found != value:
                    raise UserError(
                        f"{runs}: {name} is {found}, not {value}: give another --output, or the"
                        " settings of these runs"
                    )
        recorded = _keys(self._runs.frame)
        whole = [key in recorded for key in _keys(self._epochs.frame)]
        self._epochs.frame = self._epochs.frame.loc[np.array(whole, dtype=bool)]

    def _recorded(self, setting: str) -> Iterable[object]:
        """Return the values of a setting in the recorded runs."""
        rows = self._runs.frame
        if setting in rows or rows.empty:
            return rows.get(setting, pd.Series()).unique()
        return ["not recorded"]

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
        if self._runs.frame.empty:
            self._runs.write()  # epochs.csv never is without runs.csv
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
