"""Journal file of an Optuna study, with checked reads and deferred syncs."""

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
    """Journal backend that syncs its file to disk at most once a second.

    Optuna's backend syncs after every line, which takes about 4 ms; a trial writes about fifteen
    lines. No line is lost if the driver is killed, because the operating system still writes the
    data. If the machine loses power, the lines since the last sync may be lost.

    Every line is checked before Optuna reads it, even if it was written by this process.

    Args:
        path: Path of the journal; the file is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Optuna's default lock is a symbolic link, which exFAT and some network file systems lack.
        self._writing = JournalFileOpenLock(str(path))
        self._synced = 0.0
        self._rewind()
        super().__init__(str(path), self._writing)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the content of the complete lines of the file, except for the first ones.

        Args:
            log_number_from: Number of lines to skip at the beginning.

        Raises:
            UserError: A line is invalid. The message names the file and the line.
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
            raise self._damaged(f"the line is longer than {MAX_LINE:,} bytes")

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines to the file atomically.

        Args:
            logs: Content of each line.

        Raises:
            OSError: The disk is full. The file is then unchanged.
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
            # Otherwise, the next line would be appended to an incomplete line.
            os.truncate(self._path, size)
            raise
        finally:
            self._writing.release()

    def _rewind(self) -> None:
        """Restart reading at the first line."""
        self._number, self._offset = 0, 0
        self._checker = JournalChecker()

    def _checked(self, line: bytes) -> dict[str, Any]:
        try:
            return self._checker.checked(line)
        except UserError as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, what: str) -> UserError:
        return UserError(
            f"{self._path}: the file is damaged or not an Optuna journal: line"
            f" {self._number + 1}: {what}"
        )
