"""Checkpoint store in a folder that all workers share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from filelock import FileLock

from tune_mnist.files import is_written, write_text
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files
from tune_mnist.training import CheckpointFolder, Trainer, restore_newest
from tune_mnist.tuning.storage.checkpoint_store import STALE_WORKER, PlaceMissingError

_LOCK = ".writing"
_RUN = ".run"
_ATTEMPT = ".attempt"


@dataclass(frozen=True)
class SharedFolder:
    """Checkpoint store in a shared folder, to which only the latest session of a search can write.

    A lock allows only one write at a time, so the disk needs room for at most one checkpoint more
    than there are trials. Workers of a killed session cannot write.

    Attributes:
        folder: Folder with the checkpoints of all trials, on a disk that all nodes share.
        run: Identifier of the session. Each start or resume of the search has a new one.
    """

    folder: Path
    run: str

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def poll_seconds(self) -> float:
        """Interval between polls in seconds."""
        return 0.5

    def start(self) -> None:
        """Create the folder, and revoke the write access of all earlier sessions."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            write_text(self.folder / _RUN, self.run)

    def of(self, name: str) -> "FolderCheckpoints":
        """Return the checkpoints of a trial or final run, given its name."""
        return FolderCheckpoints(self, name)

    def names(self) -> list[str]:
        """Return the names of the trials and final runs that have stored files."""
        return sorted(folders_in(self.folder))

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Replace the checkpoints of trial ``target`` with a checkpoint of trial ``source``.

        Args:
            target: Name of the trial whose checkpoints are replaced.
            source: Name of the trial whose checkpoint is copied.
            epoch: Epoch of the copied checkpoint.
        """
        self.of(target).adopt(self.of(source), epoch)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Context manager that locks the store, so that no other worker can write to it.

        Raises:
            RuntimeError: This worker belongs to an earlier session of a resumed search.
            PlaceMissingError: This machine cannot access the folder.
        """
        if not (self.folder / _RUN).exists():  # check first, since the lock creates the folder
            raise PlaceMissingError(f"{self.folder}: the folder is missing on {gethostname()}")
        with FileLock(self.folder / _LOCK):
            if (self.folder / _RUN).read_text(encoding="utf-8") != self.run:
                raise RuntimeError(STALE_WORKER)
            yield


class FolderCheckpoints(CheckpointFolder):
    """Checkpoints of one trial or final run in a shared folder.

    Args:
        store: Checkpoint store of the search.
        name: Name of the trial or final run.
    """

    def __init__(self, store: SharedFolder, name: str) -> None:
        super().__init__(path_in(store.folder, name))
        self._store = store
        self._attempt: str | None = None

    def save(self, trainer: Trainer) -> None:
        """Save a checkpoint of a trainer, and delete the previous checkpoint.

        If an error is raised, the previous checkpoint is kept.

        Args:
            trainer: Trainer to save.

        Raises:
            RuntimeError: This worker is stale, because another worker has got the trial or the
                trial has ended.
            OSError: The checkpoint cannot be written.
        """
        with self._store.held():
            if self._newest_attempt() != self._attempt:
                raise RuntimeError(STALE_WORKER)
            trainer.save(self.at(trainer.epoch))
            self.keep_only(trainer.epoch)

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Restore a trainer from the newest usable checkpoint, and claim the write access.

        Args:
            build: Function that creates an untrained trainer.

        Returns:
            Trainer, and one message for each unusable checkpoint.

        Raises:
            RuntimeError: This worker belongs to an earlier session of a resumed search.
            PlaceMissingError: This machine cannot access the folder.
        """
        with self._store.held():
            self._attempt = uuid4().hex
            self.directory.mkdir(exist_ok=True)
            write_text(self.directory / _ATTEMPT, self._attempt)
            return restore_newest(build, self.newest_first())

    def remove(self) -> None:
        """Delete all checkpoints, and their folder if it is empty afterwards."""
        present = files_in(self.directory)
        with suppress(OSError):  # a leftover token is harmless, since the trial has ended
            remove_files(self.directory, [name for name in present if is_written(name, _ATTEMPT)])
        super().remove()

    def _newest_attempt(self) -> str | None:
        try:
            return (self.directory / _ATTEMPT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
