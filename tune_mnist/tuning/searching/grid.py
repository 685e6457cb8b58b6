"""Grid search."""

import math

from optuna.samplers import BaseSampler, GridSampler

from tune_mnist.errors import UserError
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.spaces.space import SearchSpace

MAX_GRID = 1_000_000
"""Combinations of a grid: Optuna's sampler lists them all."""


class Grid(SamplerMaker):
    """Walks through all combinations, each trial the one of its number."""

    enumerates = True

    def make(self, seed: int) -> BaseSampler:
        """Return the sampler that draws one trial."""
        values = {
            name: parameter.values() or [] for name, parameter in self.space.parameters.items()
        }
        return GridSampler(values, seed=self.seed)

    @classmethod
    def check_space(cls, space: SearchSpace) -> None:
        """Check that a space can be enumerated.

        Raises:
            UserError: A parameter has no end of values, or a condition; or there are too many.
        """
        for name, parameter in space.parameters.items():
            if parameter.values() is None:
                raise UserError(
                    f"--searcher grid: parameter '{name}' of space {space.name} is {parameter},"
                    " without end: give it a step or choices, or take another searcher"
                )
            if parameter.when:
                raise UserError(
                    f"--searcher grid: parameter '{name}' of space {space.name} exists only"
                    " under a condition, which a grid does not know: take another searcher"
                )
        if cls.count(space) > MAX_GRID:
            raise UserError(
                f"--searcher grid: space {space.name} has {cls.count(space):,} combinations, more"
                f" than {MAX_GRID:,}: take larger steps, or another searcher"
            )

    @classmethod
    def count(cls, space: SearchSpace) -> int:
        """Return the number of combinations of a space that can be enumerated."""
        return math.prod(len(parameter.values() or ()) for parameter in space.parameters.values())
