"""Files and folders that are written whole or not at all, and files read up to a limit."""

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
    """Tell whether an error, or one that it quotes, is a full disk or a used-up quota."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in NO_ROOM
    return any(os.strerror(number) in str(error) for number in NO_ROOM)


def absolute(path: Path) -> Path:
    """Return a path so that it means the same to a later call from another folder.

    Links stay as they are typed, since other machines may have them too; only a path with ``..``
    is followed.
    """
    whole = Path.cwd() / path
    if ".." not in whole.parts:
        return whole
    try:
        return whole.resolve()
    except (OSError, RuntimeError):  # a loop of links: whatever opens the path says so
        return whole


@contextmanager
def named(path: Path | str) -> Iterator[None]:
    """Name the file in an error of writing it: the system's message on a full disk does not.

    Args:
        path: File or folder that is written, or another name for where the output goes.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, never sees half of it."""
    partial = _beside(path)
    try:
        with named(path):
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def require_file(path: Path) -> None:
    """Check that a path leads to a file that can be read: a pipe would be waited for.

    Raises:
        UserError: There is none, or something else is there.
    """
    try:
        # Opening, as asking for permissions would say nothing to root.
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
    """Return what a file holds.

    Args:
        path: Of the file.
        limit: Most bytes that such a file may have.

    Raises:
        UserError: There is no file, it cannot be read, or it is larger.
    """
    require_file(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UserError(f"{path}: larger than {limit:,} bytes: not such a file, or damaged")
    return content


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a place to write a file to, which gets its name once all is well; else none stays.

    Args:
        path: must not exist; its folder must. The place has the same name, in another folder.
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
    """Find out now whether :func:`new_file` could write there later; nothing stays.

    Args:
        path: File to be written.

    Raises:
        OSError: It could not; a folder that cannot be written, or a name that is too long.
    """
    partial = _beside(path)
    partial.mkdir()
    partial.rmdir()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which gets its name once it is full; if anything fails, none stays.

    Args:
        path: must not exist, or be an empty folder; folders above it are made.
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
    """Return whether a file name is one that writing a file leaves behind.

    Args:
        name: Name to judge.
        target: Name of the file that is written; a crash leaves it under another name.
    """
    partial = rf"\.{re.escape(target)}\.[0-9a-f]{{32}}"
    return name == target or re.fullmatch(partial, name) is not None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}")
