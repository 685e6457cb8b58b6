"""A folder of an object store (S3, GCS): the few requests that checkpoints need."""

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
# Without a byte: a transfer may take as long as it likes.
_SILENT_SECONDS = 5
_GCS_RETRY_SECONDS = 10


class StorageError(UserError):
    """A bucket cannot be read or written; the message says which, and why."""


def storage_error_in(error: BaseException | None) -> StorageError | None:
    """Return the storage error that an error is, or that led to it; None if there is none."""
    while error is not None and not isinstance(error, StorageError):
        error = error.__cause__ or error.__context__
    return error


@dataclass(frozen=True)
class Bucket:
    """A folder of an object store, opened anew in each process that uses it.

    Credentials come from where the store's own tools look for them: environment, configuration
    file, the machine's role.

    Attributes:
        uri: ``s3://bucket/folder`` or ``gs://bucket/folder``, with pyarrow's options after a
            ``?``, such as ``region`` or ``endpoint_override``.
    """

    uri: str

    def __str__(self) -> str:
        return self.uri.partition("?")[0]

    def write(self, key: str, content: bytes) -> None:
        """Write a small object."""
        with (
            self._reached() as (filesystem, base),
            filesystem.open_output_stream(f"{base}/{key}") as stream,
        ):
            stream.write(content)

    def read(self, key: str) -> bytes | None:
        """Return a small object, None if there is none."""
        with self._reached() as (filesystem, base):
            try:
                with filesystem.open_input_stream(f"{base}/{key}") as stream:
                    content: bytes = stream.read()
            except FileNotFoundError:
                return None
        return content

    def upload(self, file: Path, key: str) -> None:
        """Write an object from a file of this machine."""
        with self._reached() as (filesystem, base):
            fs.copy_files(str(file), f"{base}/{key}", fs.LocalFileSystem(), filesystem)

    def download(self, key: str, file: Path) -> None:
        """Write a file of this machine from an object.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with self._reached() as (filesystem, base):
            fs.copy_files(f"{base}/{key}", str(file), filesystem, fs.LocalFileSystem())

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the store; its content does not come by here."""
        with self._reached() as (filesystem, base):
            filesystem.copy_file(f"{base}/{key}", f"{base}/{target}")

    def objects(self, folder: str = "") -> list[str]:
        """Return the keys of all objects in a folder, those of folders below it among them."""
        with self._reached() as (filesystem, base):
            place = f"{base}/{folder}".rstrip("/")
            chosen = fs.FileSelector(place, recursive=True, allow_not_found=True)
            found = [info.path for info in filesystem.get_file_info(chosen) if info.is_file]
        return [path.removeprefix(f"{base}/") for path in found]

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is as good as deleted."""
        with self._reached() as (filesystem, base):
            try:
                filesystem.delete_file(f"{base}/{key}")
            except FileNotFoundError:
                return

    def delete_folder(self, folder: str) -> None:
        """Delete all objects in a folder; one that is not there is as good as deleted."""
        with self._reached() as (filesystem, base):
            try:
                filesystem.delete_dir(f"{base}/{folder}")
            except OSError:  # of what kind if there is no such folder depends on the store
                if self.objects(folder):
                    raise

    @contextmanager
    def _reached(self) -> Iterator[tuple[fs.FileSystem, str]]:
        """Give the file system, and the folder's path in it; errors become one line."""
        try:
            yield _open(self.uri)
        except FileNotFoundError:
            raise
        except (OSError, ArrowInvalid) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of a file of this machine
            reason = " ".join(str(error).split())
            raise StorageError(f"--storage-path {self}: {reason}") from None


@lru_cache
def _open(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI and the path in it; ready to give up soon."""
    parts = urlsplit(uri)
    if parts.scheme == "gs":
        limit = f"retry_limit_seconds={_GCS_RETRY_SECONDS}"
        uri += limit if uri.endswith("?") else f"{'&' if parts.query else '?'}{limit}"
        return fs.FileSystem.from_uri(uri)  # type: ignore[no-any-return]
    # pyarrow reads no time limits from a URI.
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
