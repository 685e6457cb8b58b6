"""CMA-ES whose state is computed from the trials, and never unpickled from the journal."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import BaseDistribution
from optuna.samplers import CmaEsSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial


class ReplayedCmaEs(CmaEsSampler):
    """Optuna's CMA-ES, without the pickle that Optuna 5.0 keeps of it in the study.

    Optuna stores the optimizer, pickled, as an attribute of a trial after each generation, and
    unpickles it for the next draw: whoever writes the journal of a study could run code in the
    process that resumes it. Here the generations are told again to a new optimizer. A generation
    costs some 0.1 ms.
    """

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Draw the numbers that are modelled together."""
        self._drawn_from = study, search_space
        return super().sample_relative(study, trial, search_space)

    def _restore_optimizer(self, completed_trials: Sequence[FrozenTrial]) -> Any:
        """Return an optimizer that knows all whole generations, instead of a stored one."""
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
