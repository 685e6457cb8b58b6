"""Exponential moving average of a network's weights."""

import copy

import torch
from torch import nn


class WeightAverage:
    """Keeps the average of a network's weights over its training steps.

    The average begins short and grows to the given decay, so that initial weights do not weigh on
    it: ``min(decay, (1 + t) / (10 + t))`` at step t. Running statistics of batch norm are averaged
    as weights are. PyTorch's ``AveragedModel`` waits for the GPU at every update, which a CUDA
    graph cannot hold.

    Source: Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J.
    Control Optim., 1992; the growing decay as in TensorFlow's ``ExponentialMovingAverage``.

    Args:
        network: Network that is trained.
        decay: Share of the average that a step keeps, at least 0 and less than 1.

    Attributes:
        model: Network with the averaged weights.
        steps: Number of updates, float32 () on the device.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self.model = copy.deepcopy(network)
        device = next(network.parameters()).device
        self.steps = torch.zeros((), device=device)

    @torch.no_grad()
    def update(self) -> None:
        """Add the weights of the network as they are now."""
        self.steps += 1
        kept = ((1 + self.steps) / (10 + self.steps)).clamp(max=self._decay)
        current = self._network.state_dict()
        for name, average in self.model.state_dict().items():
            if average.is_floating_point():
                average.lerp_(current[name], 1 - kept)
            else:
                average.copy_(current[name])
