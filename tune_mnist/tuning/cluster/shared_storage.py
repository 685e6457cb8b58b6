"""Probes of the nodes: whether each of them reaches the place of the checkpoints."""

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

# Network file systems may take their time to show what another machine has written.
SEEN_SECONDS = 5
_DRIVER, _NODE = "driver", "node"


class ProbePlace(Protocol):
    """A place for marks that a machine leaves, and another one may see; as a text, where it is."""

    def begin(self) -> None:
        """Make it."""

    def leave(self, mark: str) -> None:
        """Leave a mark."""

    def has(self, mark: str) -> bool:
        """Return whether a mark exists."""

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


class Probe:
    """One node, asked whether it sees what the driver writes, and the other way round.

    Args:
        node: as ``ray.nodes()`` describes it.
        storage: path of a folder, or URI of a bucket; nothing is left there.
    """

    def __init__(self, node: Node, storage: str) -> None:
        self._place = probe_place(storage)
        self._place.begin()
        self._place.leave(_DRIVER)
        self._asked = submit(node, _look, self._place)

    def is_answered(self) -> bool:
        """Tell whether ``complaint`` would not wait for the node."""
        return bool(ray.wait([self._asked], timeout=0)[0])

    def complaint(self) -> str:
        """Wait for the answer; return what is wrong with the node, or an empty text."""
        try:
            complaint = result_or_error(self._asked)
            if complaint or _seen(self._place, _NODE):
                return complaint
            return f"writes into another {self._place} than this machine"
        finally:
            self.close()

    def close(self) -> None:
        """Remove what was written to find out."""
        self._place.end()


def check_usable(storage_path: str) -> None:
    """See that this machine can write, read and delete there.

    Args:
        storage_path: absolute path of a folder, which need not exist, or the URI of a bucket.

    Raises:
        UserError: it cannot; says why.
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
        raise UserError(f"--storage-path {storage_path}: what is written there does not stay")


def check_shared(directory: Path, storage_path: str | None) -> list[Node]:
    """See that what the driver writes is there on each node, and the other way round.

    A single node has nothing to share, but a bucket must let it in.

    Args:
        directory: the results folder; need not exist.
        storage_path: as for :func:`check_usable`; None: the results folder holds the checkpoints.

    Returns:
        The nodes; one that joins later has not been asked.

    Raises:
        UserError: a node does not see the place, or sees another one there; names both.
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
    shared = f"must lie on a file system that all {nodes} nodes of the cluster share, under the"
    if storage_path is None:
        return (
            f"--output-dir {directory.parent}: {shared} same path, or --storage-path must name"
            " such a folder, or a bucket (s3://, gs://)"
        )
    if is_bucket(storage_path):
        return f"--storage-path {Bucket(storage_path)}: every node must reach it"
    return f"--storage-path {storage_path}: {shared} same path"


def _look(place: ProbePlace) -> str:
    """Look for the driver's mark on a node, leave one there, and return what is wrong."""
    try:
        if not _seen(place, _DRIVER):
            return f"does not see what this machine writes into {place}"
        place.leave(_NODE)
    except StorageError as error:
        return f"does not: {error}"
    except OSError as error:
        return f"cannot write into {place}: {error.strerror}"
    return ""


def _seen(place: ProbePlace, mark: str) -> bool:
    """Wait until a mark is there, but not for long."""
    deadline = time.monotonic() + SEEN_SECONDS
    while not place.has(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
