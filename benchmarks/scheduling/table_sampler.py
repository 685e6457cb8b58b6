"""Optuna sampler that moves suggestions to the nearest configuration of a finite table."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from benchmarks.scheduling.metric import differences
from tune_mnist.tuning.spaces.space import SearchSpace


class TableExhausted(Exception):  # noqa: N818 - the end of a search, not an error
    """Raised when all configurations of the table have been suggested."""


class TableSampler(BaseSampler):
    """Sampler that replaces suggestions of another sampler by the nearest unused configuration.

    The study contains the configuration of the table instead of the original suggestion, so the
    other sampler learns from the accuracy that belongs to the hyperparameters. All samplers lose
    precision in the same way, by the distance to the nearest configuration.

    Args:
        sampler: Sampler that makes the suggestions.
        space: Search space.
        configurations: Configurations of the table.
        weights: Weight of each parameter in the distance between configurations, float64 (P,).

    Attributes:
        rows: Rows of the suggested configurations, in order.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        space: SearchSpace,
        configurations: list[dict[str, Any]],
        weights: NDArray[np.float64],
    ) -> None:
        self.rows: list[int] = []
        self._sampler = sampler
        self._space = space
        self._configurations = configurations
        self._weights = weights
        self._unused = set(range(len(configurations)))
        self._distributions = _distributions(space)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return all parameters, because a suggestion is moved as a whole."""
        return self._distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the nearest unused configuration to a suggestion of the other sampler.

        Raises:
            TableExhausted: All configurations have been used.
        """
        if not self._unused:
            raise TableExhausted
        proposal = self._propose(study, trial)
        unused = sorted(self._unused)
        apart = [differences(self._space, proposal, self._configurations[row]) for row in unused]
        nearest = unused[int(np.argmin(np.array(apart) @ self._weights))]
        self._unused.remove(nearest)
        self.rows.append(nearest)
        return self._configurations[nearest]

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Raise an error; a configuration of the table has values for all its parameters."""
        raise AssertionError(f"the table's configuration lacks {param_name}")

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Forward the call to the other sampler."""
        self._sampler.before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Any
    ) -> None:
        """Forward the call to the other sampler."""
        self._sampler.after_trial(study, trial, state, values)

    def _propose(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        proposal = _Proposal(self._sampler, study, trial)
        self._space.sample(proposal)
        return proposal.params


class _StandIn:
    """Substitute for an Optuna trial, from which a space samples without changing the study."""

    def choose(self, name: str, distribution: BaseDistribution) -> Any:
        raise NotImplementedError

    def suggest_float(self, name: str, low: float, high: float, **scale: Any) -> Any:
        return self.choose(name, FloatDistribution(low, high, **scale))

    def suggest_int(self, name: str, low: int, high: int, **scale: Any) -> Any:
        return self.choose(name, IntDistribution(low, high, **scale))

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        return self.choose(name, CategoricalDistribution(choices))


class _Proposal(_StandIn):
    """Trial whose values a sampler suggests, jointly if possible, otherwise one by one."""

    def __init__(self, sampler: BaseSampler, study: Study, trial: FrozenTrial) -> None:
        self.params: dict[str, Any] = {}
        self._sampler, self._study, self._trial = sampler, study, trial
        search_space = sampler.infer_relative_search_space(study, trial)
        self._relative = sampler.sample_relative(study, trial, search_space)

    def choose(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self._relative:
            self.params[name] = self._relative[name]
        else:
            self.params[name] = self._sampler.sample_independent(
                self._study, self._trial, name, distribution
            )
        return self.params[name]


class _Distributions(_StandIn):
    """Trial that records the distributions, with arbitrary values."""

    def __init__(self) -> None:
        self.found: dict[str, BaseDistribution] = {}

    def choose(self, name: str, distribution: BaseDistribution) -> Any:
        self.found[name] = distribution
        return distribution.to_external_repr(getattr(distribution, "low", 0))


def _distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    noted = _Distributions()
    for name, parameter in space.parameters.items():
        parameter.suggest(noted, name)
    return noted.found
