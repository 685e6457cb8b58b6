"""Stored weights and optimizers, for tests that compare them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tune_mnist.training import Trainer


def weights_of(folder: Path) -> dict[str, Tensor]:
    """Return the weights in a folder, by layer name."""
    weights: dict[str, Tensor] = torch.load(folder / "model.pt", weights_only=True)
    return weights


def equal_weights(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Return whether all weights of two networks are equal."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def same_weights(one: Trainer, other: Trainer) -> bool:
    """Return whether the networks of two runs have the same weights."""
    return equal_weights(one.model.state_dict(), other.model.state_dict())


def optimizer_settings(trainer: Trainer, folder: Path) -> dict[str, Any]:
    """Return the settings of the optimizer, such as ``lr``, from a checkpoint.

    Args:
        trainer: Run that writes the checkpoint.
        folder: Folder for the checkpoint.
    """
    trainer.save(folder)
    state = torch.load(folder / "state.pt", weights_only=True)
    settings: dict[str, Any] = state["optimizer"]["param_groups"][0]
    return settings
