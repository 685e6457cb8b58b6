"""The file of an Optuna journal: checked as it is read, written without waiting for the disk."""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from tune_mnist.errors import UserError
from tune_mnist.tuning.recording.journal_lines import MAX_LINE, JournalChecker

SYNC_SECONDS = 1.0


class JournalFile(JournalFileBackend):
    """Optuna's own file, brought to the disk once a second at most.

    A trial writes some fifteen lines, and Optuna waits after each until it is on the disk: 4 ms
    on a common one, which thousands of short trials feel. Nothing is lost by a driver that is
    killed: its lines are the operating system's. A machine that loses power may lose those that
    came within a second of others.

    Every line is checked before Optuna sees it, those of this process among them.

    Args:
        path: of the file, which is made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Not Optuna's symbolic link: exFAT and some network file systems know none.
        self._writing = JournalFileOpenLock(str(path))
        self._synced = 0.0
        self._rewind()
        super().__init__(str(path), self._writing)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Read the lines from a number on, up to the last one that is complete.

        Raises:
            UserError: A line is not one of a journal; names the file and the line.
        """
        if log_number_from < self._number:
            self._rewind()
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while (line := file.readline(MAX_LINE)).endswith(b"\n"):
                log = self._checked(line)
                self._number += 1
                self._offset += len(line)
                if self._number > log_number_from:
                    yield log
        if len(line) == MAX_LINE:
            raise self._damaged(f"longer than {MAX_LINE:,} bytes")

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines, whole, with nobody else's between them.

        Raises:
            OSError: there is no room; nothing of them is left in the file.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._writing.acquire()
        size = self._path.stat().st_size
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                if time.monotonic() - self._synced >= SYNC_SECONDS:
                    file.flush()
                    os.fsync(file.fileno())
                    self._synced = time.monotonic()
        except OSError:
            # Half a line would swallow the next one.
            os.truncate(self._path, size)
            raise
        finally:
            self._writing.release()

    def _rewind(self) -> None:
        """Begin to read at the first line again."""
        self._number, self._offset = 0, 0
        self._checker = JournalChecker()

    def _checked(self, line: bytes) -> dict[str, Any]:
        try:
            return self._checker.checked(line)
        except UserError as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, what: str) -> UserError:
        return UserError(
            f"{self._path}: not a journal of Optuna, or damaged: line {self._number + 1}: {what}"
        )
