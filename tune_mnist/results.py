"""Where the results of a run go: a folder with a name of its own, checked before the work."""

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

MAX_NAME = 100
MAX_NAME_BYTES = 200
"""File systems allow 255; files that are being written have longer names than the folder."""


@contextmanager
def new_results(output_dir: Path, name: str | None, kind: str) -> Iterator[Path]:
    """Make the folder of a run at its start, so that no other run can take the name.

    A folder that is still empty at the end is removed, with those above it that were made.

    Args:
        output_dir: Holds the folders of all runs; need not exist.
        name: Name of the run; None: of what kind and when, with a number if that is taken.
        kind: What an automatic name begins with.

    Raises:
        UserError: The name is not usable or taken, or no folder can be made there.
    """
    stem = f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}" if name is None else name
    directory = results_directory(output_dir, stem)
    missing = list(itertools.takewhile(lambda folder: not folder.exists(), directory.parents))
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = missing
    try:
        directory = _made(directory, numbered=name is None)
        made = [directory, *missing]
        yield directory
    finally:
        for folder in made:
            with suppress(OSError):  # not empty
                folder.rmdir()


def _made(directory: Path, numbered: bool) -> Path:
    for number in itertools.count(1):
        place = directory if number == 1 else directory.with_name(f"{directory.name}-{number}")
        with suppress(FileExistsError):
            place.mkdir()
            return place
        if not numbered:
            raise taken(place)
    raise AssertionError  # the numbers have no end


def results_directory(output_dir: Path, name: str) -> Path:
    """Return the folder of a run's results; nothing of it is made yet.

    Args:
        output_dir: holds the folders of all runs; need not exist.
        name: of the run.

    Raises:
        UserError: the name is no plain folder name, or no folder can be made there.
    """
    long = len(name) > MAX_NAME or len(os.fsencode(name)) > MAX_NAME_BYTES
    if long or not re.fullmatch(r"\w[\w .+=-]*", name):
        raise UserError(
            f"--name {quoted(name)}: must be letters, digits, spaces and . + = _ - only, a"
            f" letter or digit first, {MAX_NAME} characters and {MAX_NAME_BYTES} bytes at most"
            " (--output-dir says where the folder lies)"
        )
    output_dir = absolute(output_dir)
    existing = nearest_existing(output_dir)
    if not existing.is_dir():
        raise UserError(f"--output-dir {output_dir}: {existing} is a file, not a folder")
    try:
        # Asking for permissions would not tell: root has them all, on a read-only disk too.
        with TemporaryDirectory(dir=existing, prefix=".tune-mnist-"):
            pass
    except OSError as error:
        raise UserError(
            f"--output-dir {output_dir}: cannot write into {existing}: {error.strerror}"
        ) from None
    return output_dir / name


def require_new(directory: Path) -> None:
    """See that a run would not mix its results with those of another.

    Raises:
        UserError: there is something of that name that is not an empty folder.
    """
    empty = directory.is_dir() and not any(directory.iterdir())
    if os.path.lexists(directory) and not empty:
        raise taken(directory)


def taken(directory: Path) -> UserError:
    """Return the error for a name that another run has, or has just taken."""
    return UserError(
        f"{directory} exists already: choose another --name, remove it, or go on with a search"
        " there by --resume"
    )


def nearest_existing(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it, that exists; absolute.

    Raises:
        UserError: there can be no such path.
    """
    whole = absolute(path)
    try:
        return next(place for place in (whole, *whole.parents) if place.exists())
    except OSError as error:  # a name that is too long
        raise UserError(f"--output-dir {path}: {error.strerror}") from None
