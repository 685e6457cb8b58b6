"""Validation of ``--storage-path``, and location of a search's checkpoints in the storage."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tune_mnist.errors import UserError, unknown
from tune_mnist.tuning.storage.bucket import Bucket
from tune_mnist.tuning.storage.bucket_store import BucketStore
from tune_mnist.tuning.storage.checkpoint_store import CheckpointStore
from tune_mnist.tuning.storage.shared_folder import SharedFolder

_OPTIONS = {
    "s3": ("region", "scheme", "endpoint_override"),
    "gs": ("scheme", "endpoint_override", "retry_limit_seconds"),
}


def checked_storage_path(text: str) -> str:
    """Validate the value of ``--storage-path``, and return an absolute path or a URI.

    Args:
        text: Path of a folder, ``file:`` URI, or URI of a bucket.

    Raises:
        UserError: The value is neither a path nor a supported URI, or it contains credentials,
            which would be written to files and logs.
    """
    parts = urlsplit(text)
    if "://" not in text and text:
        return str(Path(text).absolute())
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return unquote(parts.path)
    if parts.scheme not in _OPTIONS or not parts.hostname:
        raise UserError(
            "--storage-path must be a folder, s3://bucket/folder or gs://bucket/folder, but is"
            f" '{text}'"
        )
    # pyarrow accesses gs://anonymous@... without credentials.
    user = None if parts.scheme == "gs" and parts.username == "anonymous" else parts.username
    if user is not None or parts.password is not None:
        raise UserError(
            f"--storage-path {parts.scheme}://...@{parts.hostname} must not contain credentials,"
            " which would be stored in the results; set them in the environment or in the"
            " configuration file of the object store on each node"
        )
    for key in parse_qs(parts.query, keep_blank_values=True):
        if key not in _OPTIONS[parts.scheme]:
            raise unknown(
                f"option of --storage-path {parts.scheme}://", key, _OPTIONS[parts.scheme]
            )
    return text


def is_bucket(location: str) -> bool:
    """Return whether a location is in an object store, not on a file system.

    Args:
        location: Path of a folder, or URI of a bucket.
    """
    return "://" in location


def checkpoints_of_search(storage_path: str, name: str) -> str:
    """Return the path or URI of a search's checkpoints.

    Args:
        storage_path: Path or URI, as returned by :func:`checked_storage_path`.
        name: Name of the results folder.
    """
    if not is_bucket(storage_path):
        return str(Path(storage_path, name, "checkpoints"))
    parts = urlsplit(storage_path)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}/checkpoints").geturl()


def open_store(location: str, run: str) -> CheckpointStore:
    """Return the checkpoint store for a location, without accessing the location.

    Args:
        location: Path of a folder, or URI of a bucket.
        run: Unique identifier of this session of the search.
    """
    if is_bucket(location):
        return BucketStore(Bucket(location), run)
    return SharedFolder(Path(location), run)


def require_free(location: str) -> None:
    """Check that the location of a new search's checkpoints does not exist yet.

    Args:
        location: Path of a folder, or URI of a bucket.

    Raises:
        UserError: The location exists, or the bucket cannot be read.
    """
    if Bucket(location).objects() if is_bucket(location) else os.path.lexists(location):
        raise UserError(
            f"--storage-path: {location.partition('?')[0]} already exists; choose another --name,"
            " remove it, or resume its search with --resume"
        )
