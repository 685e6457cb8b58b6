"""Atomic writing of files and folders, and reading of files with a size limit."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tune_mnist.errors import UserError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def means_no_room(error: BaseException) -> bool:
    """Return whether an error was caused by a full disk or an exhausted quota.

    Errors that quote such an error in their message count too.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in NO_ROOM
    return any(os.strerror(number) in str(error) for number in NO_ROOM)


def absolute(path: Path) -> Path:
    """Return the absolute form of a path, which stays valid if the working directory changes.

    Symbolic links are kept, because other machines may have the same links. Only a path that
    contains ``..`` is resolved.
    """
    whole = Path.cwd() / path
    if ".." not in whole.parts:
        return whole
    try:
        return whole.resolve()
    except (OSError, RuntimeError):  # a loop of links, reported when the path is opened
        return whole


@contextmanager
def named(path: Path | str) -> Iterator[None]:
    """Context manager that adds a file name to each OSError that lacks one, as for a full disk.

    Args:
        path: File or folder that is written in the context, or another name for the output.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, so that it is never half-written, even after a crash."""
    partial = _beside(path)
    try:
        with named(path):
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def require_file(path: Path) -> None:
    """Check that a path is a regular file that can be read.

    Pipes and devices are refused, as reading them could block.

    Raises:
        UserError: The file cannot be read, or it is a folder, a pipe or a device.
    """
    try:
        # Opened, as os.access() reports every file as readable to root.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            kind = os.fstat(descriptor).st_mode
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: cannot be read: {reason}") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
        raise UserError(f"{path} must be a file, but is {what}")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of a file after checking its size.

    Args:
        path: File to read.
        limit: Maximum size in bytes.

    Raises:
        UserError: The file does not exist, cannot be read or is larger than the limit.
    """
    require_file(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UserError(
            f"{path}: the file is damaged or the wrong one, as it is larger than {limit:,} bytes"
        )
    return content


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Context manager that yields a temporary path and renames the file at the end.

    The temporary file has the same name as the final file, in a temporary folder beside it. If an
    error is raised in the context, the temporary file is removed.

    Args:
        path: Final path of the file. It must not exist yet, but the folder of the file must exist.
    """
    with _temporary_folder(path) as partial:
        yield partial / path.name
        (partial / path.name).rename(path)


def require_writable(path: Path) -> None:
    """Check that ``new_file`` could write a file, without leaving a file behind.

    Raises:
        OSError: The folder is not writable, or the name is too long.
    """
    partial = _beside(path)
    partial.mkdir()
    partial.rmdir()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Context manager that yields a temporary folder and renames it at the end.

    If an error is raised in the context, the temporary folder is removed.

    Args:
        path: Final path of the folder. If the folder exists, it must be empty. Missing parent
            folders are created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_folder(path) as partial:
        yield partial
        partial.rename(path)


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """Create a folder beside a path, and remove it at the end unless it was renamed."""
    partial = _beside(path)
    partial.mkdir()
    try:
        with named(path):
            yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_written(name: str, target: str) -> bool:
    """Return whether a file is a target file or a temporary copy of the target file.

    A temporary copy is left behind if the process crashes while the target file is written.

    Args:
        name: Name of the file.
        target: Name of the target file.
    """
    partial = rf"\.{re.escape(target)}\.[0-9a-f]{{32}}"
    return name == target or re.fullmatch(partial, name) is not None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}")
