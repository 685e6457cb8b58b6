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
    """Return whether an error means, or quotes, a full disk or an exhausted quota."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in NO_ROOM
    return any(os.strerror(number) in str(error) for number in NO_ROOM)


def absolute(path: Path) -> Path:
    """Return the absolute form of a path, valid after a change of the working directory.

    Symbolic links are kept, as other machines may have the same links. Only a path that contains
    ``..`` is resolved.
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
    """Add a file name to errors that lack one, such as the system's error for a full disk.

    Args:
        path: File or folder that is written, or another name for the output.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically: neither a reader nor a crash can leave it half-written."""
    partial = _beside(path)
    try:
        with named(path):
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def require_file(path: Path) -> None:
    """Check that a path is a readable regular file, as reading a pipe would block.

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
        what = "is a folder" if stat.S_ISDIR(kind) else "is a pipe or a device"
        raise UserError(f"{path}: {what}: must be a file")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of a file.

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
        raise UserError(f"{path}: larger than {limit:,} bytes: wrong file, or damaged")
    return content


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; rename the file written there when the block ends without error.

    After an error nothing is left behind.

    Args:
        path: Final path of the file. It must not exist yet, but its folder must. The temporary
            file has the same name in a temporary folder beside it.
    """
    partial = _beside(path)
    partial.mkdir()
    try:
        with named(path):
            yield partial / path.name
            (partial / path.name).rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_writable(path: Path) -> None:
    """Check that ``new_file`` can write a file, without leaving anything behind.

    Args:
        path: File to be written.

    Raises:
        OSError: The folder is not writable, or the name is too long.
    """
    partial = _beside(path)
    partial.mkdir()
    partial.rmdir()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder; rename it to its final name when the block ends without error.

    After an error nothing is left behind.

    Args:
        path: Final path of the folder. It must not exist or be empty. Its parents are created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(path)
    partial.mkdir()
    try:
        with named(path):
            yield partial
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_written(name: str, target: str) -> bool:
    """Return whether a file name is that of a target file or of its temporary copy.

    A crash while the target is written leaves the temporary copy behind.

    Args:
        name: File name to check.
        target: Name of the target file.
    """
    partial = rf"\.{re.escape(target)}\.[0-9a-f]{{32}}"
    return name == target or re.fullmatch(partial, name) is not None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}")
