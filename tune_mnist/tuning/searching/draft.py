"""Drafts of configurations, which a sampler has drawn but which are not in the study yet."""

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
    """Substitute for an Optuna trial, to draw a configuration without changing the study.

    Pass it to the ``sample`` method of a space. As in Optuna's own trials, each value is either
    fixed, drawn together with other parameters (``sample_relative``), or drawn on its own
    (``sample_independent``).

    Args:
        sampler: Sampler that draws the values.
        study: Study that is shown to the sampler.
        trial: Trial for which the configuration is drawn.
        fixed: Parameter values that are not drawn, keyed by parameter name.
        turns: Names of parameters that the sampler must not draw, because their values are
            assigned to the trials in turn.

    Attributes:
        params: Parameter values drawn so far, keyed by parameter name.
        distributions: Distributions of the drawn parameters, keyed by parameter name.
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
        """Draw the value of a float parameter."""
        return float(self._draw(name, FloatDistribution(low, high, **scale)))

    def suggest_int(self, name: str, low: int, high: int, **scale: Any) -> int:
        """Draw the value of an integer parameter."""
        return int(self._draw(name, IntDistribution(low, high, **scale)))

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        """Draw the value of a categorical parameter."""
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
