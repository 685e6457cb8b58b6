"""The lock of a results folder, which keeps a second search out of it."""

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
    """Hold a folder, so that no second search writes into it; a killed holder lets go.

    Raises:
        UserError: another search holds it.
    """
    lock = FileLock(path_in(directory, ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{directory}: another search is running in it: wait for its end"
        ) from None
    except OSError as error:
        raise _cannot_lock(directory, error) from None
    try:
        yield
    finally:
        lock.release()


def check_lockable(place: Path) -> None:
    """Check that files can be locked where a folder is going to be made.

    Args:
        place: Path of the folder; need not exist.

    Raises:
        UserError: The file system has no locks.
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
        f"{place}: files cannot be locked there: {error.strerror or error}: choose a place on"
        " another file system, with --output-dir or --storage-path"
    )
