"""Check that every node of a cluster can access the checkpoints."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import ray

from tune_mnist.errors import UserError
from tune_mnist.results import nearest_existing
from tune_mnist.tuning.cluster.node_tasks import (
    Node,
    alive_nodes,
    node_name,
    result_or_error,
    submit,
)
from tune_mnist.tuning.storage.bucket import Bucket, StorageError
from tune_mnist.tuning.storage.storage_path import is_bucket

VISIBLE_SECONDS = 5
"""Time in seconds after which a file written by another machine must be visible."""

_DRIVER, _NODE = "driver", "node"


class ProbePlace(Protocol):
    """Temporary folder for marker files, by which two machines test whether they share a storage.

    ``str`` returns the path or URI of the storage.
    """

    def begin(self) -> None:
        """Create the folder."""

    def leave(self, mark: str) -> None:
        """Write a marker file."""

    def has(self, mark: str) -> bool:
        """Return whether a marker file exists."""

    def end(self) -> None:
        """Remove the folder with all marker files."""


def probe_place(storage: str) -> ProbePlace:
    """Return the location of a new temporary folder for marker files, without creating it.

    Args:
        storage: URI of a bucket, or path of a folder. If the folder does not exist, its nearest
            existing parent is used, because subfolders of a shared folder are shared too.
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
        # The folder gets default permissions like those of checkpoints, since Ray may run as
        # another user.
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
        """Do nothing, since a bucket has no folders apart from the names of its objects."""

    def leave(self, mark: str) -> None:
        self.bucket.write(f"{self.folder}/{mark}", b"seen")

    def has(self, mark: str) -> bool:
        return self.bucket.read(f"{self.folder}/{mark}") is not None

    def end(self) -> None:
        self.bucket.delete_folder(self.folder)


class Probe:
    """Check, running on a node, that the node and the driver see each other's files.

    The check starts when the object is created.

    Args:
        node: Node to check.
        storage: Path of a folder, or URI of a bucket.
    """

    def __init__(self, node: Node, storage: str) -> None:
        self._place = probe_place(storage)
        self._place.begin()
        self._place.leave(_DRIVER)
        self._task = submit(node, _exchange_markers, self._place)

    def is_answered(self) -> bool:
        """Return whether the node has answered. If so, ``complaint`` returns without waiting."""
        return bool(ray.wait([self._task], timeout=0)[0])

    def complaint(self) -> str:
        """Wait for the check to end, and return an error message or an empty string."""
        try:
            complaint = result_or_error(self._task)
            if complaint or _is_visible(self._place, _NODE):
                return complaint
            return f"has a different folder at {self._place} than this machine"
        finally:
            self.close()

    def close(self) -> None:
        """Remove the marker files."""
        self._place.end()


def check_usable(storage_path: str) -> None:
    """Check that this machine can write, read and delete files in a storage.

    Args:
        storage_path: Absolute path of a folder, which need not exist, or URI of a bucket.

    Raises:
        UserError: Files cannot be written, or written files cannot be read.
    """
    place = probe_place(storage_path)
    try:
        place.begin()
        place.leave(_DRIVER)
        seen = place.has(_DRIVER)
        place.end()
    except OSError as error:
        raise UserError(
            f"--storage-path {storage_path}: cannot write into {place}: {error.strerror}"
        ) from None
    if not seen:
        raise UserError(
            f"--storage-path {storage_path}: a file that was written there cannot be found"
        )


def check_shared(directory: Path, storage_path: str | None) -> list[Node]:
    """Check that the driver and all nodes see each other's files in the checkpoint storage.

    A single node needs no shared folder, so that its storage is checked only if it is a bucket.

    Args:
        directory: Results folder, which need not exist.
        storage_path: Path or URI, as passed to :func:`check_usable`. If None, the checkpoints are
            in the results folder.

    Returns:
        Nodes of the cluster. Nodes that join later have not been checked.

    Raises:
        UserError: A node cannot access the storage. The message names the node and the storage.
    """
    nodes = alive_nodes()
    if len(nodes) < 2 and not (storage_path and is_bucket(storage_path)):
        return nodes
    probes = [Probe(node, storage_path or str(directory)) for node in nodes]
    try:
        for node, probe in zip(nodes, probes, strict=True):
            complaint = probe.complaint()
            if complaint:
                wanted = _wanted(directory, storage_path, len(nodes))
                raise UserError(f"{wanted}: {node_name(node)} {complaint}")
    finally:
        for probe in probes:
            probe.close()
    return nodes


def _wanted(directory: Path, storage_path: str | None, nodes: int) -> str:
    shared = f"must be on a file system that all {nodes} nodes share under the same path"
    if storage_path is None:
        return (
            f"--output-dir {directory.parent} {shared}, or --storage-path must name a shared"
            " folder or a bucket (s3://, gs://)"
        )
    if is_bucket(storage_path):
        return f"--storage-path {Bucket(storage_path)} must be accessible from every node"
    return f"--storage-path {storage_path} {shared}"


def _exchange_markers(place: ProbePlace) -> str:
    """Read the driver's marker file on a node and write another; return an error or ``""``."""
    try:
        if not _is_visible(place, _DRIVER):
            return f"cannot see files that this machine writes into {place}"
        place.leave(_NODE)
    except StorageError as error:
        return f"cannot access it: {error}"
    except OSError as error:
        return f"cannot write into {place}: {error.strerror}"
    return ""


def _is_visible(place: ProbePlace, mark: str) -> bool:
    """Wait for a marker file for at most VISIBLE_SECONDS, and return whether it exists."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while not place.has(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
