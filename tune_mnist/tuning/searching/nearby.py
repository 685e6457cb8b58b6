"""Sampling close to a given configuration."""

from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial


class NearbySampler(RandomSampler):
    """Sampler that draws configurations close to a given configuration.

    A model-based sampler that has converged proposes the same configuration repeatedly. Trying its
    neighbours makes use of what the sampler has learned, whereas a random configuration does not.

    Args:
        center: Parameter values of the given configuration, keyed by parameter name. A parameter
            without a value is drawn at random.
        width: Standard deviation of a numeric parameter as a share of its range, from 0 to 1.
            Also the probability that a categorical parameter is drawn at random.
        seed: Random seed.
    """

    def __init__(self, center: dict[str, Any], width: float, seed: int) -> None:
        super().__init__(seed)
        self._center = center
        self._width = width
        self._random = np.random.default_rng(seed)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a parameter value close to its value in the given configuration."""
        drawn = super().sample_independent(study, trial, param_name, param_distribution)
        if param_name not in self._center:
            return drawn
        value = self._center[param_name]
        if not isinstance(param_distribution, FloatDistribution | IntDistribution):
            return drawn if self._random.random() < self._width else value
        low, high = param_distribution.low, param_distribution.high
        scale, back = (np.log, np.exp) if param_distribution.log else (float, float)
        step = self._random.normal(0.0, self._width) * (scale(high) - scale(low))
        return _closest(param_distribution, float(back(scale(value) + step)))


def _closest(distribution: FloatDistribution | IntDistribution, value: float) -> float | int:
    """Return the value of a numeric distribution that is closest to a number."""
    low, high, step = distribution.low, distribution.high, distribution.step
    value = min(max(value, low), high)
    if step:
        # Optuna's own expression, so that equal steps are equal numbers.
        value = low + round((value - low) / step) * step
        value = min(max(value, low), high)
    return round(value) if isinstance(distribution, IntDistribution) else value
