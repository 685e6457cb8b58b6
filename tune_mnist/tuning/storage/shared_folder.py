"""Checkpoints in a folder that all workers share, on this machine or on a network file system."""

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
    """A folder with a folder for each trial, and the right of one run of a search to write there.

    Only one checkpoint is being written at a time, so beside those that are kept no more than one
    takes up disk; and a worker that a killed search has left over writes none.

    Attributes:
        folder: where the checkpoints of all trials lie; all nodes must see the same one.
        run: name of this run of the search, another one after each resume.
    """

    folder: Path
    run: str

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def poll_seconds(self) -> float:
        """How often to ask what there is: a folder answers at once."""
        return 0.5

    def start(self) -> None:
        """Take the right away from every earlier run of the search."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            write_text(self.folder / _RUN, self.run)

    def of(self, name: str) -> "FolderCheckpoints":
        """Return the checkpoints of the run of that name."""
        return FolderCheckpoints(self, name)

    def names(self) -> list[str]:
        """Return the names of the runs that have left something."""
        return sorted(folders_in(self.folder))

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Make one run's checkpoint of an epoch another one's own, and its only one."""
        self.of(target).adopt(self.of(source), epoch)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep all others from writing meanwhile.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
            PlaceMissingError: this machine does not see the folder.
        """
        if not (self.folder / _RUN).exists():  # the lock would make an empty one
            raise PlaceMissingError(f"{self.folder}: not seen by {gethostname()}")
        with FileLock(self.folder / _LOCK):
            if (self.folder / _RUN).read_text(encoding="utf-8") != self.run:
                raise RuntimeError(STALE_WORKER)
            yield


class FolderCheckpoints(CheckpointFolder):
    """The checkpoints of one run in a shared folder.

    Args:
        store: the shared folder.
        name: of the run.
    """

    def __init__(self, store: SharedFolder, name: str) -> None:
        super().__init__(path_in(store.folder, name))
        self._store = store
        self._attempt: str | None = None

    def save(self, trainer: Trainer) -> None:
        """Write the trainer's checkpoint, and remove the one before.

        Raises:
            RuntimeError: another worker goes on with the run, or none does any more.
            OSError: it cannot be written; the one before is still there.
        """
        with self._store.held():
            if self._newest_attempt() != self._attempt:
                raise RuntimeError(STALE_WORKER)
            trainer.save(self.at(trainer.epoch))
            self.keep_only(trainer.epoch)

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Return a trainer that goes on from the newest usable checkpoint, and complaints.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
            PlaceMissingError: this machine does not see the folder.
        """
        with self._store.held():
            self._attempt = uuid4().hex
            self.directory.mkdir(exist_ok=True)
            write_text(self.directory / _ATTEMPT, self._attempt)
            return restore_newest(build, self.newest_first())

    def remove(self) -> None:
        """Remove all of them, and their folder if it is empty then: the run will not go on."""
        there = files_in(self.directory)
        with suppress(OSError):  # what stays does no harm: the run will not go on
            remove_files(self.directory, [name for name in there if is_written(name, _ATTEMPT)])
        super().remove()

    def _newest_attempt(self) -> str | None:
        try:
            return (self.directory / _ATTEMPT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
