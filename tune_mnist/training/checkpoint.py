"""Atomic checkpoints on disk."""

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
CONFIG_FILE = "config.json"
"""File beside the weights: configuration of the network and form of its images."""

STATE_FILE = "state.pt"
_UNFINISHED = "."
_COMPLETE_NAME = re.compile(r"epoch-(\d{1,9})", re.ASCII)
_HALF_WRITTEN = re.compile(r"\.(epoch-\d{1,9}\.)?[0-9a-f]{32}", re.ASCII)


def save_checkpoint(directory: Path, model: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically, so that a crash leaves the old or the new checkpoint.

    The weights are written to a separate file, so that a trained model can be loaded without the
    state of the optimizer, which is twice as large as the weights for Adam.

    Args:
        directory: Folder to write the checkpoint to. An existing checkpoint is replaced.
        model: ``state_dict`` of the network.
        state: Optimizer state, metrics and random state, as tensors and plain values.

    Raises:
        OSError: The checkpoint cannot be written, for example because the disk is full. An
            existing checkpoint is kept.
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
    """Folder for the checkpoints of one run. Only the newest checkpoint is kept.

    Each checkpoint is a subfolder named after its epoch. The previous checkpoint is removed only
    after the new one is complete, so that the run can be resumed at any time.

    Args:
        directory: Folder for the checkpoints. It is created together with the first checkpoint.

    Attributes:
        directory: Folder for the checkpoints.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def at(self, epoch: int) -> Path:
        """Return the path of the checkpoint of an epoch, which need not exist."""
        return self.directory / f"epoch-{epoch:04d}"

    def newest_first(self) -> list[Path]:
        """Return the paths of all complete checkpoints, newest first.

        There can be more than one after a crash.
        """
        return sorted(self._folders(_COMPLETE_NAME), key=_epoch_of, reverse=True)

    def newest_epoch(self) -> int:
        """Return the epoch of the newest checkpoint, or 0 if there is no checkpoint."""
        return max(map(_epoch_of, self._folders(_COMPLETE_NAME)), default=0)

    def keep_only(self, epoch: int) -> None:
        """Remove all checkpoints except that of a given epoch.

        Incomplete checkpoints, which remain after a crash, are removed too. Other files and
        folders are kept.
        """
        for other in self._folders(_COMPLETE_NAME) + self._folders(_HALF_WRITTEN):
            if other != self.at(epoch):
                _remove(other)

    def adopt(self, other: "CheckpointFolder", epoch: int) -> None:
        """Replace all checkpoints with a checkpoint of another run.

        Population based training uses this method when a trial continues from a better trial. The
        files are hard links where the file system supports them, which is safe because checkpoints
        are replaced but never modified.

        Args:
            other: Folder with the checkpoints of the other run.
            epoch: Epoch of the checkpoint to copy.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / f"{_UNFINISHED}{uuid4().hex}"
        partial.mkdir()
        for file in (MODEL_FILE, STATE_FILE):
            _link(other.at(epoch) / file, partial / file)
        _replace(partial, self.at(epoch))
        self.keep_only(epoch)

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights in the checkpoint of an epoch to a file."""
        shutil.copyfile(self.at(epoch) / MODEL_FILE, target)

    def remove(self) -> None:
        """Remove all checkpoints, and the folder if it is empty afterwards."""
        for folder in self._folders(_COMPLETE_NAME) + self._folders(_HALF_WRITTEN):
            _remove(folder)
        remove_files(self.directory, [])

    def _folders(self, names: re.Pattern[str]) -> list[Path]:
        """Return the subfolders whose names match a pattern."""
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
        # PyTorch's RuntimeError hides the reason, such as a full disk.
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
