"""Checkpoints: what a run needs to go on, on disk, whole or not at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

MODEL_FILE = "model.pt"
STATE_FILE = "state.pt"


def save_checkpoint(directory: Path, model: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a reader never sees half of one.

    The weights lie in a file of their own: whoever only wants the trained model need not read the
    optimizer's state, which is twice as large with Adam.

    Args:
        directory: the checkpoint's folder; one that exists is replaced.
        model: the network's state_dict.
        state: optimizer state, epoch and random state: tensors and plain values only.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.{uuid4().hex}")
    partial.mkdir()
    try:
        torch.save(dict(model), partial / MODEL_FILE)
        torch.save(dict(state), partial / STATE_FILE)
        _replace(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_model_weights(directory: Path, device: torch.device) -> dict[str, Any]:
    """Return the network's state_dict from a checkpoint; only tensors and plain values load."""
    return _load(directory / MODEL_FILE, device)


def load_state(directory: Path) -> dict[str, Any]:
    """Return the rest of a checkpoint, on the CPU: optimizer state, epoch, random state."""
    return _load(directory / STATE_FILE, torch.device("cpu"))


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return loaded


def _replace(new: Path, target: Path) -> None:
    if target.exists():
        old = target.with_name(f".{target.name}.{uuid4().hex}")
        target.replace(old)
        new.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.replace(target)
