"""Grid search."""

import math

from optuna.samplers import BaseSampler, GridSampler

from tune_mnist.errors import UserError
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.spaces.space import SearchSpace

MAX_GRID = 1_000_000
"""Maximum number of combinations in a grid, because Optuna's sampler keeps all in a list."""


class Grid(SamplerMaker):
    """Grid search, which tries every combination of the parameter values once."""

    enumerates = True

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial."""
        values = {
            name: parameter.values() or [] for name, parameter in self.space.parameters.items()
        }
        return GridSampler(values, seed=self.seed)

    @classmethod
    def check_space(cls, space: SearchSpace) -> None:
        """Check that a space can be enumerated.

        Raises:
            UserError: A parameter is continuous or conditional, or there are more than MAX_GRID
                combinations.
        """
        for name, parameter in space.parameters.items():
            if parameter.count() is None:
                raise UserError(
                    f"--searcher grid: parameter '{name}' of space {space.name} is {parameter},"
                    " which a grid cannot enumerate; give it a step or choices, or use another"
                    " searcher"
                )
            if parameter.when:
                raise UserError(
                    f"--searcher grid: parameter '{name}' of space {space.name} exists only"
                    " under a condition, which a grid does not support; use another searcher"
                )
        if cls.count(space) > MAX_GRID:
            raise UserError(
                f"--searcher grid: space {space.name} has {cls.count(space):,} combinations, but"
                f" at most {MAX_GRID:,} are supported; use larger steps, or another searcher"
            )

    @classmethod
    def count(cls, space: SearchSpace) -> int:
        """Return the number of combinations of parameter values in a space without conditions."""
        return math.prod(parameter.count() or 0 for parameter in space.parameters.values())
