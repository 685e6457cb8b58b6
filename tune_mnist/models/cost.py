"""What a network costs to apply, whatever the machine."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from tune_mnist.models.factory import get_architecture, outline


def count_flops(name: str, image_size: int) -> int:
    """Return the floating-point operations of one image's way through a network of ten classes.

    Convolutions and dense layers are counted, a multiply-add as two operations, by PyTorch's own
    counter; activations, pooling and batch norm are not. The weights are never allocated.

    Args:
        name: lenet, alexnet, resnet or vggnet.
        image_size: side of the images in pixels; LeNet always takes 32.

    Raises:
        UserError: unknown name, or an image size out of its range.
    """
    size = get_architecture(name).input_size(image_size)
    network = outline(name).eval()
    image = torch.empty(1, 1, size, size, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    return int(counter.get_total_flops())
