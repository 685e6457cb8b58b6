"""Lock of a results folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from tune_mnist.errors import UserError
from tune_mnist.results import nearest_existing
from tune_mnist.safe_paths import path_in


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Context manager that locks a results folder, so that no other search can write to it.

    The operating system releases the lock when the process ends, even if it is killed.

    Raises:
        UserError: Another search holds the lock, or the file system does not support locks.
    """
    lock = FileLock(path_in(directory, ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{directory}: another search is running in this folder: wait until that search ends"
        ) from None
    except OSError as error:
        raise _cannot_lock(directory, error) from None
    try:
        yield
    finally:
        lock.release()


def check_lockable(place: Path) -> None:
    """Check that the file system of a folder supports locks.

    Args:
        place: Path of the folder, which need not exist.

    Raises:
        UserError: The file system does not support locks.
    """
    existing = nearest_existing(place)
    try:
        with (
            TemporaryDirectory(dir=existing, prefix=".tune-mnist-") as folder,
            FileLock(Path(folder) / ".lock", timeout=0),
        ):
            pass
    except OSError as error:
        raise _cannot_lock(existing, error) from None


def _cannot_lock(place: Path, error: OSError) -> UserError:
    return UserError(
        f"{place}: files cannot be locked: {error.strerror or error}: choose a folder on another"
        " file system with --output-dir or --storage-path"
    )
