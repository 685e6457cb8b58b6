"""Construction of the sampler of a search."""

import optuna

from tune_mnist.tuning.searching.per_trial_sampler import PerTrialSampler
from tune_mnist.tuning.searching.registry import searcher_class
from tune_mnist.tuning.spaces.space import SearchSpace

MIN_STARTUP, MAX_STARTUP = 4, 10


def create_sampler(
    name: str, space: SearchSpace, num_samples: int, seed: int, chance_level: float
) -> PerTrialSampler:
    """Build the sampler of a search.

    A model-based sampler draws the first third of the trials at random: at least MIN_STARTUP and
    at most MAX_STARTUP trials per architecture. It continues at random until a trial exceeds the
    chance level.

    Args:
        name: Name of the searcher.
        space: Search space.
        num_samples: Number of trials of the search.
        seed: Seed of the search.
        chance_level: Validation accuracy above which a network has learned something.

    Raises:
        UserError: The name is unknown, or the searcher does not support the space.
    """
    searcher = searcher_class(name)
    searcher.check_space(space)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    startup = min(MAX_STARTUP, max(MIN_STARTUP, num_samples // len(space.models) // 3))
    return PerTrialSampler(searcher(space, startup, seed), chance_level)
