"""Names of the modules that define networks of the user: paths of files, or ``package.module``."""

from collections.abc import Iterable
from pathlib import Path

from tune_mnist.errors import UserError

FLAG = "--models"


def is_path(name: str) -> bool:
    """Return whether a name is the path of a file, not the name of an importable module."""
    return name.endswith(".py") or len(Path(name).parts) > 1 or Path(name).is_file()


def require_files(names: Iterable[str]) -> None:
    """Check that all files exist.

    Args:
        names: Paths of Python files, or names of importable modules, which are not checked.

    Raises:
        UserError: A file does not exist.
    """
    for name in names:
        if is_path(name) and not Path(name).is_file():
            raise UserError(f"{FLAG} {name}: there is no such file")
