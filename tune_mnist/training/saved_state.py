"""Validated loading of the training state of a checkpoint: optimizer, random state, metrics."""

from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, optim

from tune_mnist.errors import required
from tune_mnist.training.archive import CheckpointError, load_archive
from tune_mnist.training.metrics import EpochMetrics
from tune_mnist.training.optimizers import STATE_TENSORS

Slots = dict[int, dict[str, Tensor]]
"""Optimizer tensors, keyed by the number of the parameter and the name of the tensor."""

# The maximum size of a state in multiples of the model size: Adam and RMSprop with momentum keep
# two tensors per parameter, and a run with a weight average also stores the trained weights.
_COPIES = 3


class _OptimizerState(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: Slots


class SavedState(BaseModel):
    """Training state in a checkpoint, in addition to the weights of the model.

    Attributes:
        metrics: Metrics of the last epoch, or None before the end of the first epoch.
        optimizer: State tensors of the optimizer.
        shuffle_rng: State of the generator that shuffles the images.
        torch_rng: State of PyTorch's CPU generator.
        cuda_rng: State of PyTorch's GPU generator, or None if there is no GPU.
        trained: Trained weights, if the model holds a moving average of the weights. None if the
            model itself holds the trained weights.
        averaged: Number of updates of the weight average so far.
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
    """Load and validate the training state of a checkpoint.

    Args:
        path: Path of the file ``state.pt`` in the checkpoint.
        model_bytes: Size of the model's weights in bytes, which limits the size of the file.

    Raises:
        CheckpointError: The file is damaged or too large.
    """
    try:
        return SavedState.model_validate(load_archive(path, _COPIES * model_bytes))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "state"
        raise CheckpointError(f"{path}: the file is damaged: {key} {required(first)}") from None


def checked_slots(path: Path, state: SavedState, optimizer: optim.Optimizer, name: str) -> Slots:
    """Check that stored optimizer tensors fit a new optimizer, and return copies of them.

    Args:
        path: Path of the file that contains the state, for error messages.
        state: Training state read from the file.
        optimizer: Optimizer that will receive the tensors.
        name: Name of the optimizer, for error messages.

    Raises:
        CheckpointError: The tensors belong to another optimizer or network.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    slots = state.optimizer.state
    if slots and slots.keys() != set(range(len(parameters))):
        raise CheckpointError(f"{path}: the optimizer state belongs to another network")
    for number, tensors in slots.items():
        _check_tensors(path, tensors, parameters[number], name)
    copies = {
        number: {key: tensor.clone() for key, tensor in tensors.items()}
        for number, tensors in slots.items()
    }
    if optimizer.param_groups[0].get("momentum"):
        # A state stored without momentum lacks the buffers that RMSprop requires.
        _, with_momentum = STATE_TENSORS[name]
        for tensors, parameter in zip(copies.values(), parameters, strict=False):
            for key in with_momentum - tensors.keys():
                tensors[key] = torch.zeros_like(parameter)
    return copies


def _check_tensors(path: Path, tensors: dict[str, Tensor], parameter: Any, name: str) -> None:
    needed, optional = STATE_TENSORS[name]
    if not needed <= tensors.keys() <= needed | optional:
        raise CheckpointError(
            f"{path}: the optimizer state belongs to another optimizer than {name}"
        )
    for key, tensor in tensors.items():
        shape = torch.Size() if key == "step" else parameter.shape
        if (tensor.shape, tensor.dtype) != (shape, torch.float32):
            raise CheckpointError(
                f"{path}: optimizer tensor {key} must be torch.float32 of shape {tuple(shape)},"
                f" but is {tensor.dtype} of shape {tuple(tensor.shape)}"
            )
