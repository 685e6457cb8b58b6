"""Paths in a folder that somebody else may have filled."""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tune_mnist.errors import UserError

LONGEST = 255
"""Bytes of a name on the common file systems."""


def path_in(folder: Path, *names: str) -> Path:
    """Return the path of an entry of a folder, which need not exist.

    Every name that a results folder carries becomes a path here and nowhere else. The folder
    itself is the one that the user named: it may be a symbolic link, and lie behind one.

    Args:
        folder: Folder that the path must not leave.
        names: Names of the folders in between, and of the entry.

    Raises:
        UserError: A name is not that of a single entry, or an entry on the way is a symbolic link
            or neither a file nor a folder.
    """
    path = folder
    for name in names:
        if not _is_single_entry(name):
            raise UserError(f"{folder}: {name!r} is not the name of a file or folder in it")
        path = path / name
        _require_file_or_folder(path)
    return path


def require_no_links(folder: Path, allowed: Callable[[Path], bool] | None = None) -> None:
    """Check that a folder holds files and folders only, at every depth.

    What writes into a results folder includes Ray and TensorBoard, which follow links.

    Args:
        folder: Folder to look through; one that does not exist holds nothing.
        allowed: Whether an entry may be a link, because nothing ever follows it; None: none.

    Raises:
        UserError: An entry is a symbolic link, or neither a file nor a folder.
    """
    folders = [folder]
    while folders:
        current = folders.pop()
        for entry in _entries(current):
            path = current / entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif not entry.is_file(follow_symlinks=False) and not (allowed and allowed(path)):
                _require_file_or_folder(path)


def files_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder, none if there is no such folder."""
    return [entry.name for entry in _own_entries(folder) if entry.is_file(follow_symlinks=False)]


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, none if there is no such folder."""
    return [entry.name for entry in _own_entries(folder) if entry.is_dir(follow_symlinks=False)]


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files of a folder by name, and the folder itself if nothing else is in it.

    Args:
        folder: Folder to clear; nothing happens if it is a symbolic link or does not exist.
        names: Names of the files to remove, in this order; what else has such a name stays.

    Raises:
        OSError: A file cannot be removed.
    """
    there = files_in(folder)
    for name in names:
        if name in there:
            (folder / name).unlink(missing_ok=True)
    if not folder.is_symlink():
        with suppress(OSError):  # not empty
            folder.rmdir()


def _own_entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, none of one that is a symbolic link."""
    return [] if folder.is_symlink() else _entries(folder)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # a running search removes what it replaces
        return []
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}") from None


def _is_single_entry(name: str) -> bool:
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:  # a lone surrogate, as JSON may hold one
        return False
    special = name in ("", os.curdir, os.pardir)
    return not special and length <= LONGEST and not any(mark in name for mark in "/\\\0")


def _require_file_or_folder(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise UserError(f"{path}: {error.strerror}") from None
    if stat.S_ISLNK(mode):
        raise UserError(
            f"{path}: is a symbolic link, which may lead out of the folder: put the file or folder"
            " itself in its place, or remove it"
        )
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path}: is neither a file nor a folder: remove it")
