"""Computational cost of a network, independent of the machine."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tune_mnist.models.factory import create_model, outline
from tune_mnist.models.registry import get_architecture


def count_flops(
    name: str,
    image_size: int,
    num_classes: int = 10,
    in_channels: int = 1,
    options: Mapping[str, Any] | None = None,
) -> int:
    """Count the floating-point operations of a forward pass of one image.

    PyTorch's ``FlopCounterMode`` counts the operations of convolutions and dense layers, with a
    multiply-add as two operations, but not those of activations, pooling and batch norm. Weights
    are allocated only if the network cannot run on the meta device.

    Args:
        name: Name of the architecture.
        image_size: Side length of the images in pixels. It is ignored if the network has a fixed
            input size.
        num_classes: Number of classes.
        in_channels: Number of image channels, 1 or 3.
        options: Further keyword arguments for the constructor. If None, the defaults are used.

    Raises:
        UserError: The name is unknown, or the image size is out of range.
    """
    size = get_architecture(name).input_size(image_size)
    shape = (1, in_channels, size, size)
    try:
        return _counted(outline(name, num_classes, in_channels, options), shape)
    except (NotImplementedError, RuntimeError):  # the network reads values of tensors
        with torch.random.fork_rng(devices=[]):
            network = create_model(name, num_classes, in_channels=in_channels, options=options)
        return _counted(network, shape)


def _counted(network: nn.Module, shape: tuple[int, ...]) -> int:
    weight = next(network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(shape, device=weight.device))
    return int(counter.get_total_flops())
