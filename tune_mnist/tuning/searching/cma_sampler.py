"""CMA-ES that recomputes its state from the trials, instead of unpickling it from the journal."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, CmaEsSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tune_mnist.errors import UserError
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.spaces.parameters import CategoricalParameter
from tune_mnist.tuning.spaces.space import SearchSpace

MIN_NUMBERS = 2


class CmaEs(SamplerMaker):
    """Covariance matrix adaptation evolution strategy (CMA-ES).

    The strategy samples the numeric parameters that exist in every configuration. All other
    parameters are drawn at random.

    Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772.
    """

    learns = True
    single_objective = True

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        return ReplayedCmaEs(
            seed=seed,
            n_startup_trials=self.startup,
            consider_pruned_trials=True,
            warn_independent_sampling=False,
        )

    @classmethod
    def check_space(cls, space: SearchSpace) -> None:
        """Check that enough numeric parameters exist in every configuration.

        Raises:
            UserError: The space has fewer than MIN_NUMBERS such parameters.
        """
        numbers = sum(
            not isinstance(parameter, CategoricalParameter) and not parameter.when
            for parameter in space.parameters.values()
        )
        if numbers < MIN_NUMBERS:
            raise UserError(
                f"--searcher cmaes needs at least {MIN_NUMBERS} numeric parameters that exist in"
                f" every configuration, but space {space.name} has {numbers}; use another searcher"
            )


class ReplayedCmaEs(CmaEsSampler):
    """Optuna's CMA-ES without a pickled optimizer in the study.

    After each generation, Optuna 5.0 pickles the optimizer into an attribute of a trial, and
    unpickles it to draw the next trial. A manipulated journal could therefore run code in the
    process that resumes the study. This sampler creates a new optimizer instead and tells it the
    results of all generations again, which takes about 0.1 ms per generation.
    """

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Sample the numeric parameters that exist in every configuration."""
        self._drawn_from = study, search_space
        return super().sample_relative(study, trial, search_space)

    def _restore_optimizer(self, completed_trials: Sequence[FrozenTrial]) -> Any:
        """Return a new optimizer that has been told all complete generations."""
        study, search_space = self._drawn_from
        transform = _SearchSpaceTransform(search_space, transform_step=True, transform_0_1=True)
        optimizer = self._init_optimizer(transform, study.direction)
        sign = 1 if study.direction is StudyDirection.MINIMIZE else -1
        size = optimizer.population_size
        while True:
            generation = self._get_solution_trials(list(completed_trials), optimizer.generation)
            if len(generation) < size:
                return optimizer
            optimizer.tell(
                [
                    (transform.transform(told.params), sign * float(told.value or 0.0))
                    for told in generation[:size]
                ]
            )
