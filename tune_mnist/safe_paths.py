"""Safe access to files and folders inside an untrusted folder."""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tune_mnist.errors import UserError

MAX_NAME_BYTES = 255
"""Maximum length of a file name on common file systems."""


def path_in(folder: Path, *names: str) -> Path:
    """Convert a name stored in a results folder to a path inside the folder.

    Use this function for every stored name, as a name could otherwise lead out of the folder. The
    folder itself may be a symbolic link, because it is given by the user. The path need not exist.

    Args:
        folder: Folder that must contain the path.
        names: Names of the intermediate folders, followed by the name of the file or folder.

    Raises:
        UserError: A name contains a separator or is otherwise invalid, or the path leads through a
            symbolic link or to something that is neither a file nor a folder.
    """
    path = folder
    for name in names:
        if not _is_single_entry(name):
            raise UserError(
                f"{folder}: {name!r} is not a valid name of a file or folder in this folder"
            )
        path = path / name
        _require_file_or_folder(path)
    return path


def require_no_links(folder: Path, allowed: Callable[[Path], bool] | None = None) -> None:
    """Check recursively that a folder contains only regular files and folders.

    Call this before Ray or TensorBoard write into a results folder, as both follow symbolic links.

    Args:
        folder: Folder to check. It need not exist.
        allowed: Predicate for symbolic links that are harmless because they are never followed. If
            None, no links are allowed.

    Raises:
        UserError: The folder contains a symbolic link, or something that is neither a file nor a
            folder.
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
    """Return the names of the files in a folder, or an empty list if there is no such folder."""
    return [entry.name for entry in _own_entries(folder) if entry.is_file(follow_symlinks=False)]


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, or an empty list if there is no such folder."""
    return [entry.name for entry in _own_entries(folder) if entry.is_dir(follow_symlinks=False)]


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files from a folder, then the folder itself if it is empty.

    Args:
        folder: Folder to clear. If it is a symbolic link or does not exist, nothing is removed.
        names: Names of the files to remove, in this order. Only regular files are removed.

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
    """Return the entries of a folder, or an empty list if the folder is a symbolic link."""
    return [] if folder.is_symlink() else _entries(folder)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):  # removed by a search that is still running
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from None


def _is_single_entry(name: str) -> bool:
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:  # a lone surrogate, which JSON can contain
        return False
    special = name in ("", os.curdir, os.pardir)
    return not special and length <= MAX_NAME_BYTES and not any(mark in name for mark in "/\\\0")


def _require_file_or_folder(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if stat.S_ISLNK(mode):
        raise UserError(
            f"{path} is a symbolic link, which may point outside the folder: replace it with the"
            " file or folder itself, or remove it"
        )
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path} is neither a file nor a folder: remove it")
