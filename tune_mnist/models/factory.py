"""Creation of networks by the name of their architecture."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from tune_mnist.errors import UserError, unknown
from tune_mnist.models.initialisation import draw_weights
from tune_mnist.models.registry import SHIPPED, get_architecture
from tune_mnist.models.settings import DERIVED, FULL_SIZE, INITS, MAX_CLASSES, MIN_SIZE


def create_model(
    name: str,
    num_classes: int = 10,
    dropout: float = 0.0,
    image_size: int = FULL_SIZE,
    init: str = DERIVED,
    in_channels: int = 1,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Create a network with random initial weights.

    Args:
        name: Name of the architecture.
        num_classes: Number of classes, from 2 to 256.
        dropout: Dropout probability, at least 0 and less than 1.
        image_size: Side length of the input in pixels, at least 28. It is ignored if the network
            has a fixed input size.
        init: Weight initialization: ``"derived"`` draws weights with a variance that suits the
            activation and sets biases to zero, ``"torch"`` keeps PyTorch's defaults.
        in_channels: Number of input channels, 1 or 3.
        options: Further keyword arguments for the constructor. If None, the defaults are used.

    Returns:
        Module that maps images, float (B, in_channels, S, S), to logits, float (B, num_classes).

    Raises:
        UserError: The name is unknown, or an argument is out of range.
    """
    architecture = get_architecture(name)
    if not 0 <= dropout < 1:
        raise UserError(f"dropout must be at least 0 and less than 1, but is {dropout}")
    if image_size < MIN_SIZE:
        raise UserError(f"image_size must be at least {MIN_SIZE} pixels, but is {image_size}")
    if not 2 <= num_classes <= MAX_CLASSES:
        raise UserError(f"num_classes must be from 2 to {MAX_CLASSES}, but is {num_classes}")
    if init not in INITS:
        raise unknown("init", init, INITS)
    if dropout and not architecture.takes_dropout:
        raise UserError(f"dropout is {dropout}, but {name} takes no dropout")
    arguments = architecture.checked_options(options or {})
    if architecture.takes_dropout:
        arguments["dropout"] = dropout
    model = architecture.build(num_classes=num_classes, in_channels=in_channels, **arguments)
    activation = architecture.chosen_activation(arguments)
    if init == DERIVED and activation is not None:
        draw_weights(model, activation, architecture.head)
    return model


def outline(
    name: str,
    num_classes: int = 10,
    in_channels: int = 1,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Create a network on the meta device, where weights take no memory.

    Use this to check shapes or count operations. If the constructor cannot run on the meta device
    because it reads values of tensors, the network is created on the CPU.

    Args:
        name: Name of the architecture.
        num_classes: Number of classes, from 2 to 256.
        in_channels: Number of input channels, 1 or 3.
        options: Further keyword arguments for the constructor. If None, the defaults are used.

    Raises:
        UserError: The name is unknown, or an argument is out of range.
    """
    try:
        with torch.device("meta"):
            return create_model(name, num_classes, in_channels=in_channels, options=options)
    except (NotImplementedError, RuntimeError):
        return create_model(name, num_classes, in_channels=in_channels, options=options)


def unfilled(
    name: str, num_classes: int, in_channels: int, options: Mapping[str, Any]
) -> nn.Module:
    """Create a network whose initial weights will be replaced with stored weights.

    Shipped networks are created on the meta device. Networks of the user are created on the CPU,
    as they may contain tensors that are not in the ``state_dict``, such as non-persistent buffers.

    Args:
        name: Name of the architecture.
        num_classes: Number of classes, from 2 to 256.
        in_channels: Number of input channels, 1 or 3.
        options: Further keyword arguments for the constructor.

    Raises:
        UserError: The name is unknown, or an argument is out of range.
    """
    build = outline if name in SHIPPED else create_model
    return build(name, num_classes, in_channels=in_channels, options=options)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters of a network."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
