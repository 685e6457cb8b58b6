"""Where a probe leaves its marks: a folder of its own, in a folder or in a bucket."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from tune_mnist.results import nearest_existing
from tune_mnist.tuning.storage.bucket import Bucket
from tune_mnist.tuning.storage.storage_path import is_bucket


class ProbePlace(Protocol):
    """A place for marks that a machine leaves, and another one may see; as a text, where it is."""

    def begin(self) -> None:
        """Make it."""

    def leave(self, mark: str) -> None:
        """Leave a mark."""

    def has(self, mark: str) -> bool:
        """Tell whether a mark is there."""

    def end(self) -> None:
        """Remove it with all marks."""


def probe_place(storage: str) -> ProbePlace:
    """Return a new place for marks; nothing is written yet.

    Args:
        storage: the URI of a bucket, or the path of a folder that need not exist. The nearest one
            above that does is taken: folders that all share hold folders that they share.
    """
    name = f".tune-mnist-{uuid4().hex}"
    if is_bucket(storage):
        return _InBucket(Bucket(storage), name)
    return _InFolder(nearest_existing(Path(storage)) / name)


@dataclass(frozen=True)
class _InFolder:
    folder: Path

    def __str__(self) -> str:
        return str(self.folder.parent)

    def begin(self) -> None:
        # With the permissions that the folders of checkpoints get: another user may run Ray.
        self.folder.mkdir()

    def leave(self, mark: str) -> None:
        (self.folder / mark).touch()

    def has(self, mark: str) -> bool:
        return (self.folder / mark).exists()

    def end(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class _InBucket:
    bucket: Bucket
    folder: str

    def __str__(self) -> str:
        return str(self.bucket)

    def begin(self) -> None:
        """Do nothing: a folder of a bucket is there with what is in it."""

    def leave(self, mark: str) -> None:
        self.bucket.write(f"{self.folder}/{mark}", b"seen")

    def has(self, mark: str) -> bool:
        return self.bucket.read(f"{self.folder}/{mark}") is not None

    def end(self) -> None:
        self.bucket.delete_folder(self.folder)
