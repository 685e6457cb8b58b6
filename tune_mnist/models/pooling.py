"""Max pooling that accepts maps smaller than its window."""

from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class MaxPoolIfLarger(nn.Module):
    """Max pooling that returns its input unchanged if the input is smaller than the window.

    For small images, the feature maps of deep layers can be smaller than the window. PyTorch's max
    pooling raises an error in this case.

    Args:
        window: Side length of the square window in pixels.
        stride: Stride of the window in pixels.

    Shape:
        - Input: float (B, C, H, W).
        - Output: float (B, C, H', W').
    """

    def __init__(self, window: int, stride: int) -> None:
        super().__init__()
        self.window = window
        self.stride = stride

    def forward(self, maps: Tensor) -> Tensor:
        """Return the pooled maps, or the input if it is smaller than the window."""
        if min(maps.shape[-2:]) < self.window:
            return maps
        return max_pool2d(maps, self.window, self.stride)
