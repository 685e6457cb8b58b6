"""Importances of hyperparameters: fANOVA's shares of the variance, with bootstrap intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial

RESAMPLES = 40
COVERAGE = 0.9
_SEED = 0
_TREES = 64
_TREES_OF_A_RESAMPLE = 8
"""Few, to save time. The intervals are a little too wide rather than too narrow."""


@dataclass(frozen=True)
class Importance:
    """Share of the variance that one parameter explains, of all that single parameters explain.

    Attributes:
        name: Name of the parameter.
        share: Share, from 0 to 1.
        low: Lower end of its bootstrap interval.
        high: Upper end.
    """

    name: str
    share: float
    low: float
    high: float


def estimate_importances(
    trials: Sequence[FrozenTrial], values: Sequence[float], names: Sequence[str]
) -> list[Importance]:
    """Return the importance of each parameter, the largest first.

    The intervals cover 90 % of the shares in resamples of the trials. Each is extended to its
    share, from which resamples with repeated trials deviate a little to one side.

    Args:
        trials: Trials that all have the parameters.
        values: Accuracy of each trial; at least two must differ.
        names: Parameters that vary between the trials.
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
    trials: Sequence["_Converted"], values: Sequence[float], names: Sequence[str], trees: int
) -> list[float]:
    """Return the share of each parameter; the shares sum to 1."""
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        create_trial(value=value, params=trial.params, distributions=trial.distributions)
        for trial, value in zip(trials, values, strict=True)
    )
    evaluator = FanovaImportanceEvaluator(n_trees=trees, seed=_SEED)
    try:
        found = evaluator.evaluate(study, list(names))
    except RuntimeError:  # Optuna 5: all trees of the forest were grown from equal values.
        return [1 / len(names)] * len(names)
    total = sum(found.values()) or 1.0
    return [float(found[name] / total) for name in names]


@dataclass(frozen=True)
class _Converted:
    """Parameters of a trial as fANOVA gets them."""

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]


def _on_log_scale(trial: FrozenTrial, names: Sequence[str]) -> _Converted:
    """Return parameters that are searched on a logarithmic scale as their logarithms.

    Optuna's fANOVA weighs equal ranges of values equally, whatever the scale. Of a learning rate
    from 1e-5 to 1e-1 it would take the upper half of the last decade for half of the range.
    """
    pairs = {name: _log10(trial.params[name], trial.distributions[name]) for name in names}
    return _Converted(
        {name: value for name, (value, _) in pairs.items()},
        {name: distribution for name, (_, distribution) in pairs.items()},
    )


def _log10(value: Any, distribution: BaseDistribution) -> tuple[Any, BaseDistribution]:
    if not isinstance(distribution, FloatDistribution | IntDistribution) or not distribution.log:
        return value, distribution
    low, high = math.log10(distribution.low), math.log10(distribution.high)
    return min(max(math.log10(value), low), high), FloatDistribution(low, high)
