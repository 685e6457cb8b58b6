"""Helpers to run searches as commands, and to extend tables row by row."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd

from tune_mnist.files import write_text

ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Return the environment of a command that imports this project from its root folder."""
    # Keeps the user's PYTHONPATH, which may have packages.
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def run_logged(command: list[str], log: Path, name: str) -> float:
    """Run a command in the root folder of the project; return its wall time in seconds.

    Args:
        command: Program and arguments.
        log: File for its output.
        name: Name of the command, for messages.

    Raises:
        SystemExit: The command failed.
    """
    start = time.perf_counter()
    with log.open("w") as file:
        status = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"error: {name} ended with status {status}: see {log}")
    return wall


class Rows:
    """CSV file that is written after each row, so that an interrupted benchmark resumes.

    Args:
        path: Path of the CSV file.
        columns: Columns of the empty table.
        dtype: Types of columns that pandas would infer wrongly.

    Attributes:
        frame: All rows.
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
        """Add rows, and write the file."""
        # Concatenating an empty table would change numeric columns to type object.
        known = [] if self.frame.empty else [self.frame]
        self.frame = pd.concat([*known, found], ignore_index=True)
        self.write()

    def write(self) -> None:
        """Write the file, which has only its heading if there are no rows."""
        write_text(self._path, self.frame.to_csv(index=False))
