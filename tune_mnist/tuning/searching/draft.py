"""Drafts of configurations: drawn by a sampler, and not written into the study yet."""

from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial


class Draft:
    """Stand-in for an Optuna trial: a space draws from it, and the study stays as it is.

    A value comes from where Optuna's own trials take it: from what is fixed, from the parameters
    that the sampler draws together, or from a draw of its own.

    Args:
        sampler: Sampler that draws.
        study: Study as the sampler sees it.
        trial: Trial that is drawn.
        fixed: Values by name that are not drawn.
        turns: Names of parameters whose values take turns, so the sampler never draws them.

    Attributes:
        params: Values drawn so far, by name.
        distributions: Their distributions.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        study: optuna.Study,
        trial: FrozenTrial,
        fixed: dict[str, Any],
        turns: tuple[str, ...] = (),
    ) -> None:
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        self._sampler, self._study, self._trial, self._fixed = sampler, study, trial, fixed
        space = sampler.infer_relative_search_space(study, trial)
        space = {name: kind for name, kind in space.items() if name not in turns}
        self._together = sampler.sample_relative(study, trial, space)

    def suggest_float(self, name: str, low: float, high: float, **scale: Any) -> float:
        """Draw a real number."""
        return float(self._draw(name, FloatDistribution(low, high, **scale)))

    def suggest_int(self, name: str, low: int, high: int, **scale: Any) -> int:
        """Draw a whole number."""
        return int(self._draw(name, IntDistribution(low, high, **scale)))

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        """Draw one of several values."""
        return self._draw(name, CategoricalDistribution(choices))

    def _draw(self, name: str, distribution: BaseDistribution) -> Any:
        self.distributions[name] = distribution
        self.params[name] = self._value(name, distribution)
        return self.params[name]

    def _value(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self._fixed:
            return self._fixed[name]
        if distribution.single():
            return distribution.to_external_repr(getattr(distribution, "low", 0))
        if name in self._together and distribution._contains(
            distribution.to_internal_repr(self._together[name])
        ):
            return self._together[name]
        return self._sampler.sample_independent(self._study, self._trial, name, distribution)
