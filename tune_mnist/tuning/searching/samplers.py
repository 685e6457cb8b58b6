"""Optuna's samplers by name, and which spaces each can search."""

import warnings
from collections.abc import Callable

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    GPSampler,
    GridSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial

from tune_mnist.errors import UserError, unknown
from tune_mnist.tuning.searching.cma_sampler import ReplayedCmaEs
from tune_mnist.tuning.searching.per_trial_sampler import PerTrialSampler
from tune_mnist.tuning.spaces.space import SearchSpace

SEARCHERS = ("tpe", "random", "gp", "cmaes", "qmc", "grid")
LEARNING = ("tpe", "gp", "cmaes")
"""Those that draw by what earlier trials came to."""

LEAST_NUMBERS_FOR_CMAES = 2
MAX_GRID = 1_000_000
"""Combinations of a grid: Optuna's sampler lists them all."""


def create_sampler(
    name: str, space: SearchSpace, num_samples: int, seed: int, chance_level: float = 0.2
) -> PerTrialSampler:
    """Build a sampler.

    ``tpe`` models all parameters together, grouped by the conditions under which they exist
    (Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018; Optuna's ``multivariate`` and
    ``group``). A third of a small search is drawn at random before a model takes over, ten trials
    at most. ``gp`` is a Gaussian process, ``cmaes`` evolves the numbers that exist in every
    configuration and draws all others and the categories at random (Hansen, arXiv 1604.00772),
    ``qmc`` fills the space evenly with a Sobol sequence, ``grid`` walks through all combinations.
    The first three draw at random until a trial has learned something.

    Args:
        name: one of SEARCHERS.
        space: what to draw from.
        num_samples: how many trials there will be.
        seed: of the search.
        chance_level: val_accuracy that a network which has learned exceeds.

    Raises:
        UserError: unknown name, or one that cannot search this space.
    """
    check_searchable(name, space)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    models = space.models if len(space.models) > 1 and name != "grid" else ()
    startup = min(10, max(4, num_samples // len(space.models) // 3))
    makers: dict[str, Callable[[int], BaseSampler]] = {
        "tpe": lambda state: TPESampler(
            seed=state,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=startup,
        ),
        "random": lambda state: RandomSampler(seed=state),
        "gp": lambda state: GPSampler(seed=state, n_startup_trials=startup),
        "cmaes": lambda state: ReplayedCmaEs(
            seed=state,
            n_startup_trials=startup,
            consider_pruned_trials=True,
            warn_independent_sampling=False,
        ),
        # Every trial takes the next point of one and the same sequence, or grid.
        "qmc": lambda _: _WholeSpaceQmc(space, seed),
        "grid": lambda _: GridSampler(
            {name: parameter.values() or [] for name, parameter in space.parameters.items()},
            seed=seed,
        ),
    }
    return PerTrialSampler(
        _quietly(makers[name]),
        seed,
        learns=name in LEARNING,
        models=models,
        sees_running=name == "gp",
        chance_level=chance_level,
    )


class _WholeSpaceQmc(QMCSampler):
    """Optuna's quasi-random sampler over all parameters of a space, conditional ones included.

    Optuna's own takes the parameters of the first trial for the whole space, and draws the others
    by a random state that would begin again with every trial. A coordinate of a parameter that a
    configuration does not have is left unused.

    Args:
        space: What to draw from.
        seed: Of the scrambled Sobol sequence.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(seed=seed, scramble=True, warn_independent_sampling=False)
        self._distributions = {
            name: parameter.distribution() for name, parameter in space.parameters.items()
        }

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return every parameter of the space."""
        return dict(self._distributions)


def check_searchable(name: str, space: SearchSpace) -> None:
    """See that a sampler can do something with a space.

    Raises:
        UserError: unknown name, or one that cannot search this space.
    """
    if name not in SEARCHERS:
        raise unknown("searcher", name, SEARCHERS)
    if name == "grid":
        for parameter, kind in space.parameters.items():
            if kind.values() is None:
                raise UserError(
                    f"--searcher grid: parameter '{parameter}' of space {space.name} is {kind},"
                    " without end: give it a step or choices, or take another searcher"
                )
            if kind.when:
                raise UserError(
                    f"--searcher grid: parameter '{parameter}' of space {space.name} exists only"
                    " under a condition, which a grid does not know: take another searcher"
                )
        if grid_size(space) > MAX_GRID:
            raise UserError(
                f"--searcher grid: space {space.name} has {grid_size(space):,} combinations, more"
                f" than {MAX_GRID:,}: take larger steps, or another searcher"
            )
    if name == "cmaes" and space.count_numbers() < LEAST_NUMBERS_FOR_CMAES:
        raise UserError(
            f"--searcher cmaes: space {space.name} has fewer than {LEAST_NUMBERS_FOR_CMAES}"
            " numbers that always exist, and evolves nothing else: take another searcher"
        )


def grid_size(space: SearchSpace) -> int:
    """Return how many combinations a space has whose every parameter can be enumerated."""
    size = 1
    for parameter in space.parameters.values():
        size *= len(parameter.values() or ())
    return size


def _quietly(make: Callable[[int], BaseSampler]) -> Callable[[int], BaseSampler]:
    def quiet(state: int) -> BaseSampler:
        with warnings.catch_warnings():
            # Some options have been "experimental" since 2020; a user can do nothing about it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(state)

    return quiet
