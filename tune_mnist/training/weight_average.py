"""Exponential moving average of a network's weights."""

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of the weights of a network.

    The decay at step t is ``min(decay, (1 + t) / (10 + t))``, so that the initial weights have
    little influence. The running statistics of batch norm are averaged like weights. PyTorch's
    ``AveragedModel`` is not used because it synchronises with the GPU at every update, which a
    CUDA graph does not allow.

    Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J.
    Control Optim., 1992. The increase of the decay follows TensorFlow's
    ``ExponentialMovingAverage``.

    Args:
        network: Network in training whose weights are averaged.
        decay: Maximum decay per step, at least 0 and less than 1.

    Attributes:
        model: Copy of the network with the averaged weights.
        steps: Number of updates so far, float32 () on the device of the network.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self.model = copy.deepcopy(network)
        device = next(network.parameters()).device
        self.steps = torch.zeros((), device=device)

    @torch.no_grad()
    def update(self) -> None:
        """Update the average with the current weights of the network."""
        self.steps += 1
        kept = ((1 + self.steps) / (10 + self.steps)).clamp(max=self._decay)
        current = self._network.state_dict()
        for name, average in self.model.state_dict().items():
            if average.is_floating_point():
                average.lerp_(current[name], 1 - kept)
            else:
                average.copy_(current[name])
