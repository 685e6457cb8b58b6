"""Stored weights, for tests that compare them."""

from pathlib import Path

import torch
from torch import Tensor


def weights_of(folder: Path) -> dict[str, Tensor]:
    """Return the weights in a folder, by layer name."""
    weights: dict[str, Tensor] = torch.load(folder / "model.pt", weights_only=True)
    return weights
