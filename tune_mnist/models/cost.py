"""What a network costs to apply, whatever the machine."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from tune_mnist.models.factory import outline
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
    counter; activations, pooling and batch norm are not. The weights are never allocated.

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
    network = outline(name, num_classes, in_channels, options).eval()
    weight = next(network.parameters())
    image = torch.zeros(1, in_channels, size, size, device=weight.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    return int(counter.get_total_flops())
