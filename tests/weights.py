"""Weights of a folder, for tests that compare them."""

from pathlib import Path

import torch
from torch import Tensor


def weights_of(folder: Path) -> dict[str, Tensor]:
    """Return the weights that lie in a folder, by the names of the layers."""
    weights: dict[str, Tensor] = torch.load(folder / "model.pt", weights_only=True)
    return weights
