"""The rest of a checkpoint, checked before it is used: optimizer, random generators, metrics."""

from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, optim

from tune_mnist.training.archive import CheckpointError, load_archive
from tune_mnist.training.metrics import EpochMetrics
from tune_mnist.training.optimizers import STATE_TENSORS

Slots = dict[int, dict[str, Tensor]]
"""Tensors of an optimizer by number of the parameter and name."""

# Adam and RMSprop with momentum keep two tensors of each parameter's size; beside an average of
# the weights there are the weights themselves.
_COPIES = 3


class _OptimizerState(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: Slots


class SavedState(BaseModel):
    """What a checkpoint holds beside the weights.

    Attributes:
        metrics: Of the last epoch; None before the first.
        optimizer: Tensors of the optimizer.
        shuffle_rng: State of the generator that shuffles the images.
        torch_rng: State of PyTorch's generator on the CPU.
        cuda_rng: State of the generator on the GPU; None without a GPU.
        trained: Weights that are trained on, where the model's are their average; None elsewhere.
        averaged: Number of steps in the average.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    metrics: EpochMetrics | None
    optimizer: _OptimizerState
    shuffle_rng: Tensor
    torch_rng: Tensor
    cuda_rng: Tensor | None
    trained: dict[str, Tensor] | None = None
    averaged: float = Field(default=0.0, ge=0, allow_inf_nan=False)


def load_state(path: Path, model_bytes: int) -> SavedState:
    """Read the state that belongs to the weights of a checkpoint.

    Args:
        path: A ``state.pt``.
        model_bytes: Size of the weights.

    Raises:
        CheckpointError: The file cannot be used.
    """
    try:
        return SavedState.model_validate(load_archive(path, _COPIES * model_bytes))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "state"
        raise CheckpointError(f"{path}: damaged: {key}: {first['msg']}") from None


def checked_slots(path: Path, state: SavedState, optimizer: optim.Optimizer, name: str) -> Slots:
    """Return copies of the optimizer's tensors, if they are those of this optimizer.

    Args:
        path: The file of the state, for errors.
        state: As it was read.
        optimizer: Takes the tensors.
        name: Name of the optimizer in a configuration.

    Raises:
        CheckpointError: They belong to another optimizer or network.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    slots = state.optimizer.state
    if slots and slots.keys() != set(range(len(parameters))):
        raise CheckpointError(f"{path}: does not fit: not the optimizer of this network")
    for number, tensors in slots.items():
        _check_tensors(path, tensors, parameters[number], name)
    copies = {
        number: {key: tensor.clone() for key, tensor in tensors.items()}
        for number, tensors in slots.items()
    }
    if optimizer.param_groups[0].get("momentum"):
        # The state may be of a run without momentum, and RMSprop asks for what is not there.
        _, with_momentum = STATE_TENSORS[name]
        for tensors, parameter in zip(copies.values(), parameters, strict=False):
            for key in with_momentum - tensors.keys():
                tensors[key] = torch.zeros_like(parameter)
    return copies


def _check_tensors(path: Path, tensors: dict[str, Tensor], parameter: Any, name: str) -> None:
    needed, optional = STATE_TENSORS[name]
    if not needed <= tensors.keys() <= needed | optional:
        raise CheckpointError(f"{path}: does not fit: not the state of optimizer {name}")
    for key, tensor in tensors.items():
        shape = torch.Size() if key == "step" else parameter.shape
        if (tensor.shape, tensor.dtype) != (shape, torch.float32):
            raise CheckpointError(
                f"{path}: does not fit: {key} is {tensor.dtype} {tuple(tensor.shape)}: must be"
                f" torch.float32 {tuple(shape)}"
            )
