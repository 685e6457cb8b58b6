"""Which configuration to try next: Optuna's TPE behind Ray Tune's searcher interface."""

import warnings

import optuna
from ray.tune.search.optuna import OptunaSearch

from tune_mnist.tuning.scheduler import METRIC, MODE
from tune_mnist.tuning.space import SearchSpace


def create_searcher(space: SearchSpace, num_samples: int, seed: int) -> OptunaSearch:
    """Build the searcher: baselines first, then random trials, then TPE.

    TPE models all parameters together, grouped by the conditions under which they exist
    (Falkner et al., ICML 2018; Optuna's ``multivariate`` and ``group``). A third of a small search
    is drawn at random before the model takes over, ten trials at most.

    Args:
        space: what to draw from.
        num_samples: how many trials there will be.
        seed: of the sampler.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        # These options have been "experimental" since 2020; a user can do nothing about it.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=min(10, max(4, num_samples // 3)),
        )
    return OptunaSearch(
        space=space.sample,
        metric=METRIC,
        mode=MODE,
        sampler=sampler,
        points_to_evaluate=list(space.baselines[:num_samples]),
    )
