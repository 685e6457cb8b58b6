"""Batch norm that also trains on a single value per channel."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that normalises by its running statistics where a batch has none of its own.

    A batch of one image on maps of 1x1, as ResNet-18 has them last at 32x32, has no variance:
    PyTorch's batch norm raises an error there. All else is as in PyTorch.

    Source: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift", ICML 2015, section 3.1 (which uses them for single images at test).

    Shapes:
        input and output float (B, C, H, W).
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalised maps."""
        if self.training and maps.shape[0] * maps.shape[2] * maps.shape[3] == 1:
            return batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(maps)
