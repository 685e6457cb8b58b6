"""Access to a folder of an object store (S3, GCS)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pyarrow import ArrowInvalid, fs

from tune_mnist.errors import UserError

_ATTEMPTS = 4
_CONNECT_SECONDS = 3
# Timeout without any received byte; the duration of a transfer is not limited.
_SILENT_SECONDS = 5
_GCS_RETRY_SECONDS = 10


class StorageError(UserError):
    """Raised if a bucket cannot be read or written. The message says which and why."""


def storage_error_in(error: BaseException | None) -> StorageError | None:
    """Find a StorageError among the causes of an error.

    Use this function for errors from Ray, which wraps errors in its own types.

    Args:
        error: Error to examine. It may be a StorageError itself.

    Returns:
        The first StorageError in the chain of causes, or None if there is none.
    """
    while error is not None and not isinstance(error, StorageError):
        error = error.__cause__ or error.__context__
    return error


@dataclass(frozen=True)
class Bucket:
    """Folder of an object store, whose objects are addressed by keys relative to the folder.

    Credentials are read from the environment, the configuration files of the object store's tools,
    or the role of the machine. Each process opens its own connection.

    Attributes:
        uri: URI ``s3://bucket/folder`` or ``gs://bucket/folder``. Options of pyarrow, such as
            ``region`` or ``endpoint_override``, may follow after a ``?``.
    """

    uri: str

    def __str__(self) -> str:
        return self.uri.partition("?")[0]

    def write(self, key: str, content: bytes) -> None:
        """Write a small object, and replace an existing one.

        Args:
            key: Key of the object, relative to the folder.
            content: Content of the object.
        """
        with (
            self._connection() as (filesystem, base),
            filesystem.open_output_stream(f"{base}/{key}") as stream,
        ):
            stream.write(content)

    def read(self, key: str) -> bytes | None:
        """Return the content of a small object, or None if the object does not exist."""
        with self._connection() as (filesystem, base):
            try:
                with filesystem.open_input_stream(f"{base}/{key}") as stream:
                    content: bytes = stream.read()
            except FileNotFoundError:
                return None
        return content

    def upload(self, file: Path, key: str) -> None:
        """Upload a local file, and replace an existing object.

        Args:
            file: Path of the local file.
            key: Key of the object, relative to the folder.
        """
        with self._connection() as (filesystem, base):
            fs.copy_files(str(file), f"{base}/{key}", fs.LocalFileSystem(), filesystem)

    def download(self, key: str, file: Path) -> None:
        """Download an object to a local file.

        Args:
            key: Key of the object, relative to the folder.
            file: Path of the local file.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        with self._connection() as (filesystem, base):
            fs.copy_files(f"{base}/{key}", str(file), filesystem, fs.LocalFileSystem())

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the object store, without downloading the content.

        Args:
            key: Key of the object to copy, relative to the folder.
            target: Key of the copy, relative to the folder.
        """
        with self._connection() as (filesystem, base):
            filesystem.copy_file(f"{base}/{key}", f"{base}/{target}")

    def objects(self, folder: str = "") -> list[str]:
        """Return the keys of all objects in a subfolder and everything below it.

        Args:
            folder: Subfolder, relative to the folder. If empty, all objects are listed.
        """
        with self._connection() as (filesystem, base):
            place = f"{base}/{folder}".rstrip("/")
            chosen = fs.FileSelector(place, recursive=True, allow_not_found=True)
            found = [info.path for info in filesystem.get_file_info(chosen) if info.is_file]
        return [path.removeprefix(f"{base}/") for path in found]

    def delete(self, key: str) -> None:
        """Delete an object. If it does not exist, nothing happens."""
        with self._connection() as (filesystem, base):
            try:
                filesystem.delete_file(f"{base}/{key}")
            except FileNotFoundError:
                return

    def delete_folder(self, folder: str) -> None:
        """Delete all objects in a subfolder. If it does not exist, nothing happens."""
        with self._connection() as (filesystem, base):
            try:
                filesystem.delete_dir(f"{base}/{folder}")
            except OSError:  # the type of the error for a missing folder depends on the store
                if self.objects(folder):
                    raise

    @contextmanager
    def _connection(self) -> Iterator[tuple[fs.FileSystem, str]]:
        """Context manager that yields file system and path and converts errors to StorageError."""
        try:
            yield _open(self.uri)
        except FileNotFoundError:
            raise
        except (OSError, ArrowInvalid) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of a local file
            reason = " ".join(str(error).split())
            raise StorageError(f"--storage-path {self}: {reason}") from None


@lru_cache
def _open(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI, with short timeouts, and the path in it."""
    parts = urlsplit(uri)
    if parts.scheme == "gs":
        limit = f"retry_limit_seconds={_GCS_RETRY_SECONDS}"
        uri += limit if uri.endswith("?") else f"{'&' if parts.query else '?'}{limit}"
        return fs.FileSystem.from_uri(uri)  # type: ignore[no-any-return]
    # pyarrow does not read timeouts of S3 from a URI.
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if not {"region", "endpoint_override"} & options.keys():
        options["region"] = fs.resolve_s3_region(parts.netloc)
    filesystem = fs.S3FileSystem(
        **options,
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_SILENT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )
    return filesystem, f"{parts.netloc}{parts.path}".rstrip("/")
