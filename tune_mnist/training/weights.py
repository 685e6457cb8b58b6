"""Weights from a file, compared with the architecture before they take any memory."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tune_mnist.quoting import quoted
from tune_mnist.training.archive import CheckpointError, load_archive


def load_weights(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network from a file, on the CPU.

    They are mapped from the file: copy what is to outlive it.

    Args:
        path: A ``model.pt``.
        network: Of the same architecture; may be on the meta device.

    Raises:
        CheckpointError: The file cannot be used, or holds the weights of another network.
    """
    weights = load_tensors(path, count_bytes(network))
    check_weights(path, weights, network)
    return weights


def load_tensors(path: Path, max_bytes: int) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU, mapped from the file.

    Args:
        path: A ``model.pt``.
        max_bytes: Size of all tensors together, at most.

    Raises:
        CheckpointError: The file cannot be used, or holds something else than tensors by name.
    """
    loaded = load_archive(path, max_bytes)
    if not isinstance(loaded, dict) or not loaded:
        raise CheckpointError(f"{path}: holds no weights: must be tensors by name")
    for name, tensor in loaded.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            called = quoted(name) if isinstance(name, str) else f"a {type(name).__name__}"
            raise CheckpointError(f"{path}: {called}: must be a tensor under a layer's name")
    tensors: dict[str, Tensor] = loaded
    return tensors


def check_weights(
    path: Path, weights: Mapping[str, Tensor], network: nn.Module, called: str = "this network"
) -> None:
    """Check that weights are those of a network, and finite numbers.

    Args:
        path: Their file, for errors.
        weights: By the names of the layers.
        network: Of the architecture; may be on the meta device.
        called: What errors call it.

    Raises:
        CheckpointError: They are not.
    """
    expected = network.state_dict()
    difference = _difference(weights, expected)
    if difference:
        raise CheckpointError(f"{path}: these are not the weights of {called}: {difference}")
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} holds numbers that are not finite: no use")


def count_bytes(network: nn.Module) -> int:
    """Return the size of a network's weights and buffers; it may be on the meta device."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _difference(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Return in what weights differ from those that are expected; empty if in nothing."""
    for name in weights:
        if name not in expected:
            return f"it has no {quoted(name)}"
    for name, wanted in expected.items():
        if name not in weights:
            return f"{name} is missing"
        found = weights[name]
        if (found.shape, found.dtype, found.layout) != (wanted.shape, wanted.dtype, wanted.layout):
            return f"{name} is {_form(found)}: must be {_form(wanted)}"
    return ""


def _form(tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{kind} ({', '.join(map(str, tensor.shape))})"
