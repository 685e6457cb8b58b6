"""Layers that accept feature maps which are too small for PyTorch's own."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm, max_pool2d


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that falls back to its running statistics if a channel has only one value.

    PyTorch's batch norm raises an error in this case, as one value has no variance. The case
    occurs for a batch of one image in the last layers of ResNet-18, whose maps are 1x1 for 32x32
    images.

    Source: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift", ICML 2015, section 3.1, which uses running statistics at test time.

    Shape:
        - Input and output: float (B, C, H, W).
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalized maps."""
        if self.training and maps.shape[0] * maps.shape[2] * maps.shape[3] == 1:
            return batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(maps)


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
