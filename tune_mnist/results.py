"""Creation of the results folder of a run under an unused, valid name."""

import itertools
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tune_mnist.errors import UserError
from tune_mnist.files import absolute
from tune_mnist.quoting import quoted

MAX_RUN_NAME = 100
MAX_RUN_NAME_BYTES = 200
"""Maximum name length: file systems allow 255 bytes, and temporary files add a suffix."""


@contextmanager
def new_results(output_dir: Path, name: str | None, kind: str) -> Iterator[Path]:
    """Context manager that creates the results folder of a run and yields its path.

    Creating the folder reserves the name. If the folder is still empty at the end of the context,
    it is removed, together with the parent folders that were created for it.

    Args:
        output_dir: Parent folder of all results folders. It is created if it does not exist.
        name: Name of the run. If None, ``<kind>-<date>-<time>`` is used, with a number appended if
            this name is taken.
        kind: First part of the name that is used if ``name`` is None.

    Raises:
        UserError: The name is invalid or taken, or the folder cannot be created.
    """
    stem = f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}" if name is None else name
    directory = results_directory(output_dir, stem)
    missing = list(itertools.takewhile(lambda folder: not folder.exists(), directory.parents))
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = missing
    reservation = None
    try:
        directory, reservation = _reserve(directory, numbered=name is None)
        made = [directory, *missing]
        yield directory
    finally:
        for folder in made:
            with suppress(OSError):  # not empty
                folder.rmdir()
        if reservation is not None:
            os.close(reservation)


def _reserve(directory: Path, numbered: bool) -> tuple[Path, int | None]:
    """Create a results folder and return its path and the file descriptor of its lock."""
    for number in itertools.count(1):
        place = directory if number == 1 else directory.with_name(f"{directory.name}-{number}")
        try:
            place.mkdir()
        except FileExistsError:
            if numbered:
                continue
            # An empty folder is left behind by a run that was killed before it wrote anything.
            reservation = None if _is_used(place) else _lock(place)
            if reservation is None or _is_used(place):  # checked again: another run may be faster
                raise taken(place) from None
            return place, reservation
        return place, _lock(place)
    raise AssertionError  # unreachable: the loop is infinite


def _lock(folder: Path) -> int | None:
    """Lock a folder for this process and return the file descriptor, or None if locking fails."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # removed in the meantime, or unreadable
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The folder may have been replaced by another one since it was opened.
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except OSError:  # locked by another run, or not supported by the file system
        pass
    os.close(descriptor)
    return None


def results_directory(output_dir: Path, name: str) -> Path:
    """Check the name of a run and return the path of its results folder, without creating it.

    Args:
        output_dir: Parent folder of all results folders. It need not exist.
        name: Name of the run.

    Raises:
        UserError: The name is not valid for a folder, or the parent folder is not writable.
    """
    long = len(name) > MAX_RUN_NAME or len(os.fsencode(name)) > MAX_RUN_NAME_BYTES
    if long or not re.fullmatch(r"\w[\w .+=-]*", name):
        raise UserError(
            f"--name {quoted(name)} must start with a letter or digit, contain only letters,"
            f" digits, spaces and . + = _ -, and have at most {MAX_RUN_NAME} characters and"
            f" {MAX_RUN_NAME_BYTES} bytes (use --output-dir to choose the parent folder)"
        )
    output_dir = absolute(output_dir)
    existing = nearest_existing(output_dir)
    if not existing.is_dir():
        raise UserError(f"--output-dir {output_dir}: {existing} is a file, not a folder")
    try:
        # Tried, as os.access() reports any folder as writable to root, even on a read-only disk.
        with TemporaryDirectory(dir=existing, prefix=".tune-mnist-"):
            pass
    except OSError as error:
        raise UserError(
            f"--output-dir {output_dir}: cannot write into {existing}: {error.strerror}"
        ) from None
    return output_dir / name


def require_new(directory: Path) -> None:
    """Check that the results folder of a new run does not exist or is empty.

    Raises:
        UserError: The path exists and is not an empty folder.
    """
    if os.path.lexists(directory) and _is_used(directory):
        raise taken(directory)


def _is_used(place: Path) -> bool:
    """Return whether an existing path is not an empty folder."""
    return place.is_symlink() or not place.is_dir() or any(place.iterdir())


def taken(directory: Path) -> UserError:
    """Return the error for a results folder that is already in use."""
    return UserError(
        f"{directory} already exists: choose another --name, remove the folder, or continue its"
        " search with --resume"
    )


def nearest_existing(path: Path) -> Path:
    """Return the longest part of an absolute path that exists, as a file or folder.

    Args:
        path: Path that need not exist.

    Raises:
        UserError: The path is invalid, for example because a name is too long.
    """
    whole = absolute(path)
    try:
        return next(place for place in (whole, *whole.parents) if place.exists())
    except OSError as error:  # a name that is too long
        raise UserError(f"--output-dir {path}: cannot be used: {error.strerror}") from None
