"""Checkpoint store in a bucket, without renames or locks."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory, gettempdir
from uuid import uuid4

import psutil

from tune_mnist.training import MODEL_FILE, STATE_FILE, Trainer, restore_newest
from tune_mnist.tuning.storage.bucket import Bucket, StorageError
from tune_mnist.tuning.storage.checkpoint_store import STALE_WORKER

_RUN = "run"
_ATTEMPT = "attempt"
_CHECKPOINT = re.compile(r"epoch-(\d{4,9})-[0-9a-f]{32}", re.ASCII)
_COMPLETE_MARKER = "whole"
"""Name of the object that marks a checkpoint as complete. It is written last and deleted first."""


@dataclass(frozen=True)
class BucketStore:
    """Checkpoint store in a bucket, to which only the latest session of a search can write.

    Each checkpoint gets unique keys, so two workers never write into the same checkpoint. A worker
    checks its write access before it uploads a checkpoint, before it marks the checkpoint as
    complete, and before it deletes older checkpoints. A new session, or a new worker of a trial,
    revokes the write access of its predecessor before it looks for checkpoints. Therefore a stale
    worker never deletes a checkpoint that another worker resumes from. A stale worker can complete
    one of its own checkpoints only if it loses the write access within the single request between
    check and mark.

    Attributes:
        bucket: Bucket folder with the checkpoints of all trials.
        run: Identifier of the session. Each start or resume of the search has a new one.
    """

    bucket: Bucket
    run: str

    def __str__(self) -> str:
        return str(self.bucket)

    @property
    def poll_seconds(self) -> float:
        """Interval between polls in seconds. It is long, because each poll is a paid request."""
        return 5.0

    def start(self) -> None:
        """Revoke the write access of all earlier sessions of the search."""
        self.bucket.write(_RUN, self.run.encode())

    def require_right(self) -> None:
        """Check that this session still has write access to the bucket.

        Raises:
            RuntimeError: This worker belongs to an earlier session of a resumed search.
        """
        if self.bucket.read(_RUN) != self.run.encode():
            raise RuntimeError(STALE_WORKER)

    def of(self, name: str) -> "BucketCheckpoints":
        """Return the checkpoints of a trial or final run, given its name."""
        return BucketCheckpoints(self, name)

    def names(self) -> list[str]:
        """Return the names of the trials and final runs that have stored objects."""
        return sorted({key.partition("/")[0] for key in self.bucket.objects() if "/" in key})

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Replace the checkpoints of trial ``target`` with a checkpoint of trial ``source``.

        Args:
            target: Name of the trial whose checkpoints are replaced.
            source: Name of the trial whose checkpoint is copied.
            epoch: Epoch of the copied checkpoint.
        """
        old, new = self.of(source).key_of(epoch), self.of(target).new_key(epoch)
        for file in (MODEL_FILE, STATE_FILE, _COMPLETE_MARKER):
            self.bucket.copy(f"{old}/{file}", f"{new}/{file}")
        self.of(target).keep_only(new)


@dataclass
class BucketCheckpoints:
    """Checkpoints of one trial or final run in a bucket: ``<name>/epoch-<number>-<uuid>/``.

    Attributes:
        store: Checkpoint store of the search.
        name: Name of the trial or final run.
    """

    store: BucketStore
    name: str
    _attempt: bytes | None = field(default=None, init=False)

    def newest_epoch(self) -> int:
        """Return the epoch of the newest complete checkpoint, or 0 if there is none."""
        return max(map(_epoch, self._complete()), default=0)

    def save(self, trainer: Trainer) -> None:
        """Save a checkpoint of a trainer, and delete the previous checkpoint.

        The checkpoint is first written to the local disk. If an error is raised, the previous
        checkpoint is kept.

        Args:
            trainer: Trainer to save.

        Raises:
            RuntimeError: This worker is stale, because another worker has got the trial or the
                trial has ended.
            OSError: The local disk is full.
            StorageError: The bucket cannot be written.
        """
        self._require_right()
        key = self.new_key(trainer.epoch)
        with _scratch() as scratch:
            checkpoint = scratch / "checkpoint"
            trainer.save(checkpoint)
            for file in (MODEL_FILE, STATE_FILE):
                self.store.bucket.upload(checkpoint / file, f"{key}/{file}")
        self._require_right()
        self.store.bucket.write(f"{key}/{_COMPLETE_MARKER}", b"whole")
        others = self._others(key)
        self._require_right()
        with suppress(StorageError):  # the next save deletes what remains
            self._delete(others)

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Restore a trainer from the newest usable checkpoint, and claim the write access.

        Args:
            build: Function that creates an untrained trainer.

        Returns:
            Trainer, and one message for each unusable checkpoint.

        Raises:
            RuntimeError: This worker belongs to an earlier session of a resumed search.
            StorageError: The bucket cannot be read.
        """
        self.store.require_right()
        self._attempt = uuid4().hex.encode()
        self.store.bucket.write(self._attempt_key, self._attempt)
        with _scratch() as scratch:
            trainer, complaints = restore_newest(build, self._downloaded(scratch))
        return trainer, [line.replace(str(scratch), str(self.store)) for line in complaints]

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint at an epoch to a local file.

        Args:
            epoch: Epoch of the checkpoint.
            target: Path of the local file.
        """
        self.store.bucket.download(f"{self.key_of(epoch)}/{MODEL_FILE}", target)

    def remove(self) -> None:
        """Delete all checkpoints. Errors of the bucket are ignored."""
        with suppress(StorageError):
            self.store.bucket.delete_folder(self.name)

    def keep_only(self, kept: str) -> None:
        """Delete all complete and incomplete checkpoints except one.

        Args:
            kept: Key of the checkpoint to keep.

        Raises:
            StorageError: A checkpoint could not be deleted.
        """
        self._delete(self._others(kept))

    def new_key(self, epoch: int) -> str:
        """Return a unique key for a new checkpoint at an epoch."""
        return f"{self.name}/epoch-{epoch:04d}-{uuid4().hex}"

    def key_of(self, epoch: int) -> str:
        """Return the key of the complete checkpoint at an epoch.

        Raises:
            StorageError: There is no complete checkpoint at this epoch.
        """
        for key in self._complete():
            if _epoch(key) == epoch:
                return key
        raise StorageError(
            f"--storage-path {self.store}: there is no checkpoint of {self.name} at epoch {epoch}"
        )

    def _complete(self) -> list[str]:
        """Return the keys of the complete checkpoints, newest first."""
        keys = self.store.bucket.objects(self.name)
        return sorted(
            self._folders(key for key in keys if key.endswith(f"/{_COMPLETE_MARKER}")),
            reverse=True,
        )

    def _others(self, kept: str) -> set[str]:
        return self._folders(self.store.bucket.objects(self.name)) - {kept}

    def _folders(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of the checkpoints that objects belong to. Other objects are ignored.

        Only well-formed keys are returned, because a key becomes a local path, and any user with
        write access to the bucket can create objects with arbitrary keys.
        """
        folders = {key.rpartition("/")[0] for key in keys}
        start = f"{self.name}/"
        return {
            folder
            for folder in folders
            if folder.startswith(start) and _CHECKPOINT.fullmatch(folder.removeprefix(start))
        }

    @property
    def _attempt_key(self) -> str:
        return f"{self.name}/{_ATTEMPT}"

    def _require_right(self) -> None:
        self.store.require_right()
        if self.store.bucket.read(self._attempt_key) != self._attempt:
            raise RuntimeError(STALE_WORKER)

    def _delete(self, keys: set[str]) -> None:
        for key in keys:
            self.store.bucket.delete(f"{key}/{_COMPLETE_MARKER}")
            self.store.bucket.delete_folder(key)

    def _downloaded(self, scratch: Path) -> Iterator[Path]:
        """Download the complete checkpoints one by one on demand, newest first."""
        for key in self._complete():
            place = scratch / key
            place.mkdir(parents=True)
            for file in (MODEL_FILE, STATE_FILE):
                with suppress(FileNotFoundError):  # reading the checkpoint reports the file
                    self.store.bucket.download(f"{key}/{file}", place / file)
            yield place


@contextmanager
def _scratch() -> Iterator[Path]:
    """Context manager that yields a temporary local folder, and adds its path to disk errors.

    Folders left behind by killed workers are deleted first, because each may contain 1.5 GB.
    """
    prefix = f"tune-mnist-{gethostname()}-"
    for other in Path(gettempdir()).glob(f"{prefix}*"):
        process = other.name.removeprefix(prefix).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(other, ignore_errors=True)
    with TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-") as folder:
        try:
            yield Path(folder)
        except FileNotFoundError:  # the bucket or an object is missing, not the folder
            raise
        except OSError as error:
            reason = f"{error.strerror} (in the temporary folder {Path(folder).parent})"
            raise OSError(error.errno, reason) from error


def _epoch(folder: str) -> int:
    return int(folder.rpartition("/")[2].split("-")[1])
