"""What a network costs to apply, whatever the machine."""

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
    """Return the floating-point operations of one image's way through a network.

    Convolutions and dense layers are counted, a multiply-add as two operations, by PyTorch's own
    counter; activations, pooling and batch norm are not. Weights are allocated only for a network
    that computes by their values.

    Args:
        name: Name of the architecture.
        image_size: Side of the images in pixels; without effect on a network of fixed size.
        num_classes: Number of classes.
        in_channels: Channels of the images, 1 or 3.
        options: Values for other keywords of the network's constructor; None: its defaults.

    Raises:
        UserError: unknown name, or an image size out of its range.
    """
    size = get_architecture(name).input_size(image_size)
    shape = (1, in_channels, size, size)
    try:
        return _counted(outline(name, num_classes, in_channels, options), shape)
    except (NotImplementedError, RuntimeError):  # it reads values, and there are none
        with torch.random.fork_rng(devices=[]):
            network = create_model(name, num_classes, in_channels=in_channels, options=options)
        return _counted(network, shape)


def _counted(network: nn.Module, shape: tuple[int, ...]) -> int:
    weight = next(network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(shape, device=weight.device))
    return int(counter.get_total_flops())
