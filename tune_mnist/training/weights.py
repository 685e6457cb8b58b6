"""Safe loading of weights, checked against the architecture before they take memory."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tune_mnist.quoting import quoted
from tune_mnist.training.archive import CheckpointError, load_archive


def load_weights(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """Load the weights of a network from a file to the CPU and check them.

    The tensors are memory-mapped. Copy the tensors that are needed after the file is removed.

    Args:
        path: Path of the file ``model.pt`` of a checkpoint or trained model.
        network: Network that the weights must fit. It may be on the meta device.

    Raises:
        CheckpointError: The file is damaged, or holds the weights of another architecture.
    """
    weights = load_tensors(path, count_bytes(network))
    check_weights(path, weights, network)
    return weights


def load_tensors(path: Path, max_bytes: int) -> dict[str, Tensor]:
    """Load a dictionary of tensors from a file to the CPU, memory-mapped.

    Args:
        path: Path of the file ``model.pt`` of a checkpoint or trained model.
        max_bytes: Maximum total size of the tensors in bytes.

    Raises:
        CheckpointError: The file is damaged, or does not hold a dictionary of tensors.
    """
    loaded = load_archive(path, max_bytes)
    if not isinstance(loaded, dict) or not loaded:
        raise CheckpointError(f"{path}: the file must hold a dictionary of tensors, but does not")
    for name, tensor in loaded.items():
        if not isinstance(name, str):
            kind = type(name).__name__
            raise CheckpointError(
                f"{path}: each key must be the name of a tensor, but one is {kind}"
            )
        if not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise CheckpointError(f"{path}: {quoted(name)} must be a tensor, but is {kind}")
    tensors: dict[str, Tensor] = loaded
    return tensors


def check_weights(
    path: Path, weights: Mapping[str, Tensor], network: nn.Module, called: str = "this network"
) -> None:
    """Check that weights are finite and match a network in name, shape and type.

    Args:
        path: Path of the file that contains the weights, for error messages.
        weights: Weights to check, keyed by parameter name.
        network: Network that the weights must match. It may be on the meta device.
        called: Name of the network for error messages.

    Raises:
        CheckpointError: A tensor is missing or unexpected, has another shape or type, or is not
            finite.
    """
    expected = network.state_dict()
    difference = _difference(weights, expected)
    if difference:
        raise CheckpointError(f"{path}: the weights are not those of {called}: {difference}")
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} contains NaN or infinite values")


def count_bytes(network: nn.Module) -> int:
    """Return the total size of the weights and buffers of a network in bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _difference(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Describe the first difference from the expected weights. Empty if there is none."""
    for name in weights:
        if name not in expected:
            return f"{quoted(name)} is not part of the network"
    for name, wanted in expected.items():
        if name not in weights:
            return f"{name} is missing"
        found = weights[name]
        if (found.shape, found.dtype, found.layout) != (wanted.shape, wanted.dtype, wanted.layout):
            return f"{name} must be {_form(wanted)}, but is {_form(found)}"
    return ""


def _form(tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{kind} ({', '.join(map(str, tensor.shape))})"
