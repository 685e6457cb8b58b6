"""Importances of hyperparameters by fANOVA, with bootstrap intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

RESAMPLES = 40
COVERAGE = 0.9
_SEED = 0
_TREES = 64
_TREES_OF_A_RESAMPLE = 8
"""Few trees save time, and make the intervals slightly too wide rather than too narrow."""


_Parameters = tuple[dict[str, Any], dict[str, BaseDistribution]]


@dataclass(frozen=True)
class Importance:
    """Importance of one hyperparameter for the accuracy.

    fANOVA attributes the variance of the accuracy to single hyperparameters and their
    interactions. Interactions are ignored here, so the shares of all hyperparameters sum to 1.

    Attributes:
        name: Name of the hyperparameter.
        share: Share of the variance that the hyperparameter explains, from 0 to 1.
        low: Lower end of the bootstrap interval of the share.
        high: Upper end of the bootstrap interval of the share.
    """

    name: str
    share: float
    low: float
    high: float


def estimate_importances(
    trials: Sequence[FrozenTrial], values: Sequence[float], names: Sequence[str]
) -> list[Importance]:
    """Estimate the importance of each hyperparameter, and return the most important one first.

    The intervals cover the central 90% of the shares found in bootstrap resamples of the trials.
    Each interval is extended to contain the share of the original trials, because resamples
    repeat trials and are therefore slightly biased.

    Args:
        trials: Trials that all have the hyperparameters.
        values: Accuracy of each trial; at least two must differ.
        names: Hyperparameters that vary between the trials.
    """
    converted = [_on_log_scale(trial, names) for trial in trials]
    shares = _shares(converted, values, names, _TREES)
    rng = np.random.default_rng(_SEED)
    resampled: list[list[float]] = []
    while len(resampled) < RESAMPLES:
        drawn = rng.integers(0, len(trials), len(trials))
        drawn_values = [values[index] for index in drawn]
        if len(set(drawn_values)) > 1:
            chosen = [converted[index] for index in drawn]
            resampled.append(_shares(chosen, drawn_values, names, _TREES_OF_A_RESAMPLE))
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    found = [
        Importance(name, share, min(share, float(low[index])), max(share, float(high[index])))
        for index, (name, share) in enumerate(zip(names, shares, strict=True))
    ]
    return sorted(found, key=lambda importance: -importance.share)


def _shares(
    trials: Sequence[_Parameters], values: Sequence[float], names: Sequence[str], trees: int
) -> list[float]:
    """Return the share of each hyperparameter; the shares sum to 1."""
    # Imported late: scikit-learn's forests take a second, and most searches have too few trials.
    from optuna.importance import FanovaImportanceEvaluator

    study = optuna.create_study(direction="maximize")
    study.add_trials(
        create_trial(value=value, params=params, distributions=distributions)
        for (params, distributions), value in zip(trials, values, strict=True)
    )
    evaluator = FanovaImportanceEvaluator(n_trees=trees, seed=_SEED)
    try:
        found = evaluator.evaluate(study, list(names))
    except RuntimeError:  # Optuna 5: all trees of the forest were grown from equal values.
        return [1 / len(names)] * len(names)
    total = sum(found.values()) or 1.0
    return [float(found[name] / total) for name in names]


def _on_log_scale(trial: FrozenTrial, names: Sequence[str]) -> _Parameters:
    """Replace hyperparameters that are searched on a logarithmic scale by their logarithms.

    Optuna's fANOVA weights equal ranges of values equally, whatever their scale. For a learning
    rate from 1e-5 to 1e-1, half of the weight would lie on values above 0.05.
    """
    pairs = {name: _log10(trial.params[name], trial.distributions[name]) for name in names}
    return (
        {name: value for name, (value, _) in pairs.items()},
        {name: distribution for name, (_, distribution) in pairs.items()},
    )


def _log10(value: Any, distribution: BaseDistribution) -> tuple[Any, BaseDistribution]:
    if not isinstance(distribution, FloatDistribution | IntDistribution) or not distribution.log:
        return value, distribution
    low, high = math.log10(distribution.low), math.log10(distribution.high)
    return min(max(math.log10(value), low), high), FloatDistribution(low, high)
