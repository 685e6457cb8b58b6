"""Checkpoints: what a run needs to go on, on disk, whole or not at all."""

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from tune_mnist.safe_paths import folders_in, remove_files

MODEL_FILE = "model.pt"
STATE_FILE = "state.pt"
_UNFINISHED = "."
_COMPLETE_NAME = re.compile(r"epoch-(\d{1,9})", re.ASCII)
_HALF_WRITTEN = re.compile(r"\.(epoch-\d{1,9}\.)?[0-9a-f]{32}", re.ASCII)


def save_checkpoint(directory: Path, model: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a reader never sees half of one.

    The weights lie in a file of their own: whoever only wants the trained model need not read the
    optimizer's state, which is twice as large with Adam.

    Args:
        directory: the checkpoint's folder; one that exists is replaced.
        model: the network's state_dict.
        state: optimizer state, epoch and random state: tensors and plain values only.

    Raises:
        OSError: it cannot be written, for want of room for instance; the old one is still there.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f"{_UNFINISHED}{directory.name}.{uuid4().hex}")
    partial.mkdir()
    try:
        _save(model, partial / MODEL_FILE)
        _save(state, partial / STATE_FILE)
        _replace(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class CheckpointFolder:
    """The checkpoints of one run: a folder an epoch, of which just the newest is kept.

    The one before goes when the new one is whole, so at every moment there is one to go on from.

    Args:
        directory: made with the first checkpoint.

    Attributes:
        directory: the same.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def at(self, epoch: int) -> Path:
        """Return where the checkpoint of an epoch goes."""
        return self.directory / f"epoch-{epoch:04d}"

    def newest_first(self) -> list[Path]:
        """Return the checkpoints there are; more than one only after a crash."""
        return sorted(self._folders(_COMPLETE_NAME), key=_epoch_of, reverse=True)

    def newest_epoch(self) -> int:
        """Return the epoch of the newest checkpoint, 0 if there is none."""
        return max(map(_epoch_of, self._folders(_COMPLETE_NAME)), default=0)

    def keep_only(self, epoch: int) -> None:
        """Remove all but the checkpoint of an epoch, and what a crash left half written.

        Folders with other names, and other files, are not the run's and stay.
        """
        for other in self._folders(_COMPLETE_NAME) + self._folders(_HALF_WRITTEN):
            if other != self.at(epoch):
                _remove(other)

    def adopt(self, other: "CheckpointFolder", epoch: int) -> None:
        """Make another run's checkpoint of an epoch this one's own, and its only one.

        It takes up no room of its own while the file system knows hard links: a checkpoint is
        never written to again, only replaced.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / f"{_UNFINISHED}{uuid4().hex}"
        partial.mkdir()
        for file in (MODEL_FILE, STATE_FILE):
            _link(other.at(epoch) / file, partial / file)
        _replace(partial, self.at(epoch))
        self.keep_only(epoch)

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint of an epoch into a file."""
        shutil.copyfile(self.at(epoch) / MODEL_FILE, target)

    def remove(self) -> None:
        """Remove all of them, and their folder if it is empty then: the run will not go on."""
        for folder in self._folders(_COMPLETE_NAME) + self._folders(_HALF_WRITTEN):
            _remove(folder)
        remove_files(self.directory, [])

    def _folders(self, names: re.Pattern[str]) -> list[Path]:
        """Return the folders with that kind of name."""
        return [
            self.directory / name for name in folders_in(self.directory) if names.fullmatch(name)
        ]


def _epoch_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("epoch-"))


def _remove(checkpoint: Path) -> None:
    with suppress(OSError):  # what stays is removed with the next checkpoint
        remove_files(checkpoint, [MODEL_FILE, STATE_FILE])


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _save(content: Mapping[str, Any], path: Path) -> None:
    try:
        with path.open("wb") as file:
            torch.save(dict(content), file)
    except RuntimeError as error:
        # PyTorch's writer hides why the file could not be written.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def _replace(new: Path, target: Path) -> None:
    if target.exists():
        old = target.with_name(f"{_UNFINISHED}{target.name}.{uuid4().hex}")
        target.replace(old)
        new.replace(target)
        _remove(old)
    else:
        new.replace(target)
