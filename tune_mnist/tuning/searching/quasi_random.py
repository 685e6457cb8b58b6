"""Quasi-random search."""

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, QMCSampler
from optuna.trial import FrozenTrial

from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.spaces.space import SearchSpace


class QuasiRandom(SamplerMaker):
    """Quasi-random search: the points of a Sobol sequence cover the space evenly."""

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return _WholeSpaceQmc(self.space, self.seed)


class _WholeSpaceQmc(QMCSampler):
    """Optuna's quasi-random sampler over all parameters of a space, including conditional ones.

    Optuna's sampler covers only the parameters of the first trial, and draws all others from a
    random state that would restart with every trial. This sampler has a coordinate for every
    parameter and ignores those whose parameter does not exist in a configuration.

    Args:
        space: Search space.
        seed: Seed of the scrambled Sobol sequence.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(seed=seed, scramble=True, warn_independent_sampling=False)
        self._distributions = {
            name: parameter.distribution() for name, parameter in space.parameters.items()
        }

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the distributions of all parameters of the space."""
        return dict(self._distributions)
