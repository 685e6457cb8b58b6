"""The model factory: a name in, a freshly initialised network out."""

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
    """Build a network with freshly drawn weights.

    Args:
        name: Name of the architecture.
        num_classes: Size of the output, from 2 to 256.
        dropout: Probability of dropping a unit, 0 <= dropout < 1.
        image_size: Side of the input in pixels, at least 28; without effect on a network of
            fixed size.
        init: How weights are drawn: derived (from the activation; biases are zero) or torch
            (PyTorch's defaults).
        in_channels: Channels of the input, 1 or 3.
        options: Values for other keywords of the network's constructor; None: its defaults.

    Returns:
        A module that takes float (B, in_channels, S, S) and gives logits float (B, num_classes).

    Raises:
        UserError: unknown name, or an argument out of its range.
    """
    architecture = get_architecture(name)
    if not 0 <= dropout < 1:
        raise UserError(f"dropout = {dropout}: must be at least 0 and less than 1")
    if image_size < MIN_SIZE:
        raise UserError(f"image_size = {image_size}: must be at least {MIN_SIZE} pixels")
    if not 2 <= num_classes <= MAX_CLASSES:
        raise UserError(f"num_classes = {num_classes}: must be from 2 to {MAX_CLASSES}")
    if init not in INITS:
        raise unknown("init", init, INITS)
    if dropout and not architecture.takes_dropout:
        raise UserError(f"dropout = {dropout}: {name} takes no dropout")
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
    """Build a network that has shapes, but no memory for its weights: on the meta device.

    A constructor that reads a tensor's value cannot be run there; its network takes memory.

    Args:
        name: Name of the architecture.
        num_classes: Size of the output, from 2 to 256.
        in_channels: Channels of the input, 1 or 3.
        options: Values for other keywords of the network's constructor; None: its defaults.

    Raises:
        UserError: Unknown name, or an argument out of its range.
    """
    try:
        with torch.device("meta"):
            return create_model(name, num_classes, in_channels=in_channels, options=options)
    except (NotImplementedError, RuntimeError):
        return create_model(name, num_classes, in_channels=in_channels, options=options)


def unfilled(
    name: str,
    num_classes: int = 10,
    in_channels: int = 1,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build a network to load stored weights into.

    A network of the user's own may hold tensors that its ``state_dict`` lacks, such as a buffer
    that is not persistent: it is built with all of them. The others are outlines.

    Args:
        name: Name of the architecture.
        num_classes: Size of the output, from 2 to 256.
        in_channels: Channels of the input, 1 or 3.
        options: Values for other keywords of the network's constructor; None: its defaults.

    Raises:
        UserError: Unknown name, or an argument out of its range.
    """
    build = outline if name in SHIPPED else create_model
    return build(name, num_classes, in_channels=in_channels, options=options)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
