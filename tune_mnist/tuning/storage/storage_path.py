"""``--storage-path``: a shared folder or a bucket, and where in it a search has its place."""

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
    """Return a storage path as an absolute path or the URI of a bucket.

    Raises:
        UserError: it is neither, or has a secret in it, which would end up in files and logs.
    """
    parts = urlsplit(text)
    if "://" not in text and text:
        return str(Path(text).absolute())
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return unquote(parts.path)
    if parts.scheme not in _OPTIONS or not parts.hostname:
        raise UserError(
            f"--storage-path '{text}': must be a folder, s3://bucket/folder or gs://bucket/folder"
        )
    # gs://anonymous@ is pyarrow's way to ask without keys.
    user = None if parts.scheme == "gs" and parts.username == "anonymous" else parts.username
    if user is not None or parts.password is not None:
        raise UserError(
            f"--storage-path {parts.scheme}://...@{parts.hostname}: keys do not belong there, for"
            " they would be written down: put them into the environment or the store's own"
            " configuration file, on each node"
        )
    for key in parse_qs(parts.query, keep_blank_values=True):
        if key not in _OPTIONS[parts.scheme]:
            raise unknown(
                f"option of --storage-path {parts.scheme}://", key, _OPTIONS[parts.scheme]
            )
    return text


def is_bucket(location: str) -> bool:
    """Tell whether a place is in an object store."""
    return "://" in location


def checkpoints_of_search(storage_path: str, name: str) -> str:
    """Return where the search of that name keeps its checkpoints.

    Args:
        storage_path: as :func:`checked_storage_path` returns it.
        name: of the results folder.
    """
    if not is_bucket(storage_path):
        return str(Path(storage_path, name, "checkpoints"))
    parts = urlsplit(storage_path)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}/checkpoints").geturl()


def open_store(location: str, run: str) -> CheckpointStore:
    """Return the store in a place, for one run of a search; nothing is written or asked yet."""
    if is_bucket(location):
        return BucketStore(Bucket(location), run)
    return SharedFolder(Path(location), run)


def require_free(location: str) -> None:
    """See that a new search would not mix its checkpoints with those of another.

    Raises:
        UserError: there is something already, or the bucket cannot be read.
    """
    if Bucket(location).objects() if is_bucket(location) else os.path.lexists(location):
        raise UserError(
            f"--storage-path: {location.partition('?')[0]} exists already: choose another --name,"
            " remove it, or go on with a search there by --resume"
        )
