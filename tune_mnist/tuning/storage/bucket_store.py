"""Checkpoints in an object store, where nothing can be renamed or locked."""

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
"""Written last, deleted first: a checkpoint without it does not count."""


@dataclass(frozen=True)
class BucketStore:
    """A folder of a bucket, and the right of one run of a search to write there.

    Each checkpoint gets keys that no other one ever had, so that two workers never mix theirs. A
    worker asks whether it still has the right before it uploads one, before it declares it whole,
    and before it deletes those that were there before that. As the right is taken away before the
    next run of the search begins, or the next worker looks for a checkpoint, a leftover never
    deletes what those go on from. One of its own checkpoints could only count later on if it lost
    the right within the one request between asking and declaring.

    Attributes:
        bucket: where the checkpoints of all trials lie.
        run: name of this run of the search, another one after each resume.
    """

    bucket: Bucket
    run: str

    def __str__(self) -> str:
        return str(self.bucket)

    @property
    def poll_seconds(self) -> float:
        """How often to ask what there is: each time is a request, and paid for."""
        return 5.0

    def start(self) -> None:
        """Take the right away from every earlier run of the search."""
        self.bucket.write(_RUN, self.run.encode())

    def require_right(self) -> None:
        """See that this run may still write.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
        """
        if self.bucket.read(_RUN) != self.run.encode():
            raise RuntimeError(STALE_WORKER)

    def of(self, name: str) -> "BucketCheckpoints":
        """Return the checkpoints of the run of that name."""
        return BucketCheckpoints(self, name)

    def names(self) -> list[str]:
        """Return the names of the runs that have left something."""
        return sorted({key.partition("/")[0] for key in self.bucket.objects() if "/" in key})

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Make one run's checkpoint of an epoch another one's own, and its only one."""
        old, new = self.of(source).key_of(epoch), self.of(target).new_key(epoch)
        for file in (MODEL_FILE, STATE_FILE, _COMPLETE_MARKER):
            self.bucket.copy(f"{old}/{file}", f"{new}/{file}")
        self.of(target).keep_only(new)


@dataclass
class BucketCheckpoints:
    """The checkpoints of one run in a bucket: ``<name>/epoch-<number>-<anything>/``.

    Attributes:
        store: the bucket, and the right to write there.
        name: of the run.
    """

    store: BucketStore
    name: str
    _attempt: bytes | None = field(default=None, init=False)

    def newest_epoch(self) -> int:
        """Return the epoch of the newest whole checkpoint, 0 if there is none."""
        return max(map(_epoch, self._whole()), default=0)

    def save(self, trainer: Trainer) -> None:
        """Write the trainer's checkpoint by way of this machine's disk, and remove the one before.

        Raises:
            RuntimeError: another worker goes on with the run, or none does any more.
            OSError: this machine's disk is full; the one before is still there.
            StorageError: the bucket cannot be written; the one before is still there.
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
        with suppress(StorageError):  # what stays goes with the next checkpoint
            self._delete(others)

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Return a trainer that goes on from the newest usable checkpoint, and complaints.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
            StorageError: the bucket cannot be read.
        """
        self.store.require_right()
        self._attempt = uuid4().hex.encode()
        self.store.bucket.write(self._attempt_key, self._attempt)
        with _scratch() as scratch:
            trainer, complaints = restore_newest(build, self._downloaded(scratch))
        return trainer, [line.replace(str(scratch), str(self.store)) for line in complaints]

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint of an epoch into a file of this machine."""
        self.store.bucket.download(f"{self.key_of(epoch)}/{MODEL_FILE}", target)

    def remove(self) -> None:
        """Remove all of them: the run will not go on. What cannot be removed stays."""
        with suppress(StorageError):
            self.store.bucket.delete_folder(self.name)

    def keep_only(self, kept: str) -> None:
        """Remove all but the checkpoint of a key, and what a crash left half written.

        Raises:
            StorageError: something else may still be there.
        """
        self._delete(self._others(kept))

    def new_key(self, epoch: int) -> str:
        """Return where a checkpoint of an epoch goes: nothing was ever there."""
        return f"{self.name}/epoch-{epoch:04d}-{uuid4().hex}"

    def key_of(self, epoch: int) -> str:
        """Return where the whole checkpoint of an epoch is.

        Raises:
            StorageError: there is none.
        """
        for key in self._whole():
            if _epoch(key) == epoch:
                return key
        raise StorageError(f"--storage-path {self.store}: {self.name} has no epoch {epoch} there")

    def _whole(self) -> list[str]:
        """Return the keys of the whole checkpoints, the newest first."""
        keys = self.store.bucket.objects(self.name)
        return sorted(
            self._folders(key for key in keys if key.endswith(f"/{_COMPLETE_MARKER}")),
            reverse=True,
        )

    def _others(self, kept: str) -> set[str]:
        return self._folders(self.store.bucket.objects(self.name)) - {kept}

    def _folders(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of the checkpoints that objects belong to; others are not the run's.

        A key becomes a path on this machine: whoever may write into the bucket chooses it.
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
        """Fetch one checkpoint after the other, the newest first, as long as one is asked for."""
        for key in self._whole():
            place = scratch / key
            place.mkdir(parents=True)
            for file in (MODEL_FILE, STATE_FILE):
                with suppress(FileNotFoundError):  # who reads the checkpoint will tell
                    self.store.bucket.download(f"{key}/{file}", place / file)
            yield place


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give a folder of this machine for the time being; an error there says where that is.

    Those of workers that were killed meanwhile go before: one may hold 1.5 GB.
    """
    prefix = f"tune-mnist-{gethostname()}-"
    for other in Path(gettempdir()).glob(f"{prefix}*"):
        process = other.name.removeprefix(prefix).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(other, ignore_errors=True)
    with TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-") as folder:
        try:
            yield Path(folder)
        except FileNotFoundError:  # it is the bucket that is gone, or an object in it
            raise
        except OSError as error:
            reason = f"{error.strerror} (on its way, in {Path(folder).parent})"
            raise OSError(error.errno, reason) from error


def _epoch(folder: str) -> int:
    return int(folder.rpartition("/")[2].split("-")[1])
