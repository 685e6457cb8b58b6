"""Checkpoints: what a run needs to go on, on disk, whole or not at all."""

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

MODEL_FILE = "model.pt"
STATE_FILE = "state.pt"
_UNFINISHED = "."


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message says which, and why."""


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


def load_model_weights(directory: Path, device: torch.device) -> dict[str, Any]:
    """Return the network's state_dict from a checkpoint; only tensors and plain values load.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return _load(directory / MODEL_FILE, device)


def load_state(directory: Path) -> dict[str, Any]:
    """Return the rest of a checkpoint, on the CPU: optimizer state, epoch, random state.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return _load(directory / STATE_FILE, torch.device("cpu"))


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
        return sorted(self.directory.glob("epoch-*"), reverse=True)

    def newest_epoch(self) -> int:
        """Return the epoch of the newest checkpoint, 0 if there is none."""
        newest = self.newest_first()[:1]
        return int(newest[0].name.removeprefix("epoch-")) if newest else 0

    def keep_only(self, epoch: int) -> None:
        """Remove all but the checkpoint of an epoch, and what a crash left half written."""
        for other in self.directory.iterdir():
            if other.is_dir() and other != self.at(epoch):
                shutil.rmtree(other, ignore_errors=True)

    def adopt(self, other: "CheckpointFolder", epoch: int) -> None:
        """Make another run's checkpoint of an epoch this one's own, and its only one.

        It takes up no room of its own while the file system knows hard links: a checkpoint is
        never written to again, only replaced.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / f"{_UNFINISHED}{uuid4().hex}"
        shutil.copytree(other.at(epoch), partial, copy_function=_link)
        _replace(partial, self.at(epoch))
        self.keep_only(epoch)

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint of an epoch into a file."""
        shutil.copyfile(self.at(epoch) / MODEL_FILE, target)

    def remove(self) -> None:
        """Remove all of them: the run will not go on."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _link(source: str, target: str) -> None:
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
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.replace(target)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        # torch.load reads a file with flipped bits without a complaint; the archive's own
        # checksums tell.
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise CheckpointError(f"{path}: damaged: wrong checksum of {damaged}")
        loaded: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError, CheckpointError):
        raise
    except Exception as error:  # a damaged file fails in whatever part of it is read first
        raise CheckpointError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    return loaded
