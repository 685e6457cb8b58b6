"""CMA-ES that computes its state from the trials instead of unpickling it from the journal."""

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
from tune_mnist.tuning.spaces.space import SearchSpace

MIN_NUMBERS = 2


class CmaEs(SamplerMaker):
    """CMA-ES over the numbers that exist in every configuration; the rest is drawn at random.

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
        """Check that the space has numbers that exist in every configuration.

        Raises:
            UserError: The space has fewer than MIN_NUMBERS of them.
        """
        if space.count_numbers() < MIN_NUMBERS:
            raise UserError(
                f"--searcher cmaes: space {space.name} has fewer than {MIN_NUMBERS} numbers that"
                " always exist, which CMA-ES needs: use another searcher"
            )


class ReplayedCmaEs(CmaEsSampler):
    """Optuna's CMA-ES without a pickled optimizer in the study.

    Optuna 5.0 pickles the optimizer into an attribute of a trial after each generation, and
    unpickles it for the next draw, so a manipulated journal could run code in the process that
    resumes its study. Here a new optimizer is told all generations again, which takes about 0.1 ms
    per generation.
    """

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Draw the numbers that are sampled together."""
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
