"""The file of an Optuna journal, written without waiting for the disk at every line."""

import json
import os
import time
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

SYNC_SECONDS = 1.0


class JournalFile(JournalFileBackend):
    """Optuna's own file, brought to the disk once a second at most.

    A trial writes some fifteen lines, and Optuna waits after each until it is on the disk: 4 ms
    on a common one, which thousands of short trials feel. Nothing is lost by a driver that is
    killed: its lines are the operating system's. A machine that loses power may lose those that
    came within a second of others.

    Args:
        path: of the file, which is made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = JournalFileSymlinkLock(str(path))
        self._synced = 0.0
        super().__init__(str(path), self._writing)

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
