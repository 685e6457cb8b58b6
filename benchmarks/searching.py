"""Searches as commands of their own, and the rows that a benchmark has gathered so far."""

import os
import subprocess
import time
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
    # Packages may lie on a PYTHONPATH of the user's.
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    start = time.perf_counter()
    with log.open("w") as file:
        status = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"error: {name}: status {status}, see {log}")
    return wall


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
