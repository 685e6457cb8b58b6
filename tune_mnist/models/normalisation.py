"""Batch norm that can train on a single value per channel."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm


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
        """Return the normalised maps."""
        if self.training and maps.shape[0] * maps.shape[2] * maps.shape[3] == 1:
            return batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(maps)
