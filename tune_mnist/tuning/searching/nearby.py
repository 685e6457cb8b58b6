"""A sampler that draws close to a given configuration."""

from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial


class NearbySampler(RandomSampler):
    """Draws each value close to that of a given configuration.

    A model-based sampler that has converged proposes the same configuration again and again. A
    neighbour of it is worth a trial; a configuration drawn at random would lose what was learned.

    Args:
        center: Values by name. A parameter without a value is drawn at random.
        width: Share of a parameter's range, in which the standard deviation of its values is
            measured, and probability of another choice of a categorical parameter; from 0 to 1.
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
        """Draw a value close to that of the configuration."""
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
    """Return the closest value that a numeric distribution has."""
    low, high, step = distribution.low, distribution.high, distribution.step
    value = min(max(value, low), high)
    if step:
        # Optuna's own expression, so that equal steps are equal numbers.
        value = low + round((value - low) / step) * step
        value = min(max(value, low), high)
    return round(value) if isinstance(distribution, IntDistribution) else value
