"""Searches as commands of their own, and the rows that a benchmark has gathered so far."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]


def run_logged(command: list[str], log: Path, name: str) -> float:
    """Run a command in the root of the project, and return its wall time in seconds.

    Args:
        command: program and arguments.
        log: gets what it prints.
        name: of what it does, for people.

    Raises:
        SystemExit: it failed.
    """
    start = time.perf_counter()
    with log.open("w") as file:
        status = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"error: {name}: status {status}, see {log}")
    return wall


def epoch_reports(results: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give what the trials of a search reported of their epochs.

    Args:
        results: folder of the search.

    Yields:
        The trial's number and a report. After a pause a trial reports its last epoch again.
    """
    for path in sorted((results / "ray").glob("*/result.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            if "val_accuracy" in report:
                yield int(path.parent.name.split("-")[0]), report


class Rows:
    """A table on disk that grows, so that a benchmark which broke off goes on where it was.

    Args:
        path: of the CSV.
        columns: of a table without rows.
        dtype: of columns that pandas would take for something else.

    Attributes:
        frame: all rows.
    """

    def __init__(
        self,
        path: Path,
        columns: list[str] | None = None,
        dtype: dict[str, Any] | None = None,
    ) -> None:
        self._path = path
        known = path.exists()
        self.frame = pd.read_csv(path, dtype=dtype) if known else pd.DataFrame(columns=columns)

    def add(self, found: pd.DataFrame) -> None:
        """Add rows, and write the table."""
        # An empty table would make its columns' numbers objects.
        known = [] if self.frame.empty else [self.frame]
        self.frame = pd.concat([*known, found], ignore_index=True)
        self.frame.to_csv(self._path, index=False)
