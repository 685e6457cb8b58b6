"""Where the results of a run go: a folder with a name of its own, checked before the work."""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from tune_mnist.errors import UserError

LONGEST_NAME = 100


def results_directory(output_dir: Path, name: str) -> Path:
    """Return the folder of a run's results; nothing of it is made yet.

    Args:
        output_dir: holds the folders of all runs; need not exist.
        name: of the run.

    Raises:
        UserError: the name is no plain folder name, or no folder can be made there.
    """
    if not re.fullmatch(r"\w[\w .+=-]*", name) or len(name) > LONGEST_NAME:
        raise UserError(
            f"--name '{name}': must be letters, digits and . + = _ - only, a letter or digit"
            f" first, {LONGEST_NAME} characters at most (--output-dir says where the folder lies)"
        )
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
        UserError: there is something of that name.
    """
    if os.path.lexists(directory):
        raise UserError(
            f"{directory} exists already: choose another --name, remove it, or go on with a"
            " search there by --resume"
        )


def nearest_existing(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it, that exists; absolute.

    Raises:
        UserError: there can be no such path.
    """
    absolute = path.absolute()
    try:
        return next(place for place in (absolute, *absolute.parents) if place.exists())
    except OSError as error:  # a name that is too long
        raise UserError(f"--output-dir {path}: {error.strerror}") from None
