"""Pooling that also works on maps smaller than its window."""

from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class MaxPoolIfLarger(nn.Module):
    """Max pooling that hands a map smaller than its window on unchanged.

    At 224x224 it is plain max pooling. With a reduced image size the maps of the deep layers
    shrink below the window, where plain pooling has no output at all.

    Args:
        window: side of the square window in pixels.
        stride: step of the window in pixels.

    Shapes:
        input float (B, C, H, W); output float (B, C, H', W').
    """

    def __init__(self, window: int, stride: int) -> None:
        super().__init__()
        self.window = window
        self.stride = stride

    def forward(self, maps: Tensor) -> Tensor:
        """Return the pooled maps, or the maps themselves if the window does not fit."""
        if min(maps.shape[-2:]) < self.window:
            return maps
        return max_pool2d(maps, self.window, self.stride)
