"""Files and folders that are written whole or not at all."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def means_no_room(error: BaseException) -> bool:
    """Tell whether an error, or one that it quotes, is a full disk or a used-up quota."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in NO_ROOM
    return any(os.strerror(number) in str(error) for number in NO_ROOM)


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, never sees half of it."""
    partial = _beside(path)
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a place to write a file to, which gets its name once all is well; else none stays.

    Args:
        path: must not exist; its folder must. The place has the same name, in another folder.
    """
    partial = _beside(path)
    partial.mkdir()
    try:
        yield partial / path.name
        (partial / path.name).rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which gets its name once it is full; if anything fails, none stays.

    Args:
        path: must not exist; folders above it are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(path)
    partial.mkdir()
    try:
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
