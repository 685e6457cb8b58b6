"""Distance between configurations that is small if their learning curves are similar.

If all parameters had the same weight, the nearest configuration would not predict how a
configuration trains, because a tenth of the range of the dropout would count as much as a tenth of
the range of the learning rate, which is a factor of two. Each parameter therefore has its own
weight. The weights are chosen so that the recorded curves are predicted best by those of their
nearest neighbours.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scheduling.curves import CHANCE, Curves
from tune_mnist.tuning.spaces.parameters import CategoricalParameter
from tune_mnist.tuning.spaces.space import SearchSpace

CANDIDATES = 2000


def differences(space: SearchSpace, one: dict[str, Any], other: dict[str, Any]) -> list[float]:
    """Return the difference between two configurations in each parameter, from 0 to 1.

    The difference of two numbers is a share of the range, on a logarithmic scale if the space uses
    one. The difference of two categories is 0 or 1. A parameter that only one configuration has
    counts as 0, because the parameter in its condition already counts as different.

    Source: Gower, "A General Coefficient of Similarity and Some of Its Properties", Biometrics
    1971.
    """
    found = []
    for name, parameter in space.parameters.items():
        if name not in one or name not in other:
            found.append(0.0)
        elif isinstance(parameter, CategoricalParameter):
            found.append(float(one[name] != other[name]))
        else:
            ends = parameter.low, parameter.high, one[name], other[name]
            low, high, a, b = map(log, ends) if parameter.log else ends
            found.append(abs(a - b) / (high - low))
    return found


def learn_weights(curves: Curves, space: SearchSpace) -> NDArray[np.float64]:
    """Return the best of many random weight vectors, float64 (P,), with sum 1."""
    pairs = pairwise(curves, space)
    names = len(space.parameters)
    # A concentration below 1 gives uneven draws, with few large weights.
    candidates = np.random.default_rng(0).dirichlet(np.full(names, 0.5), CANDIDATES)
    errors = [foretelling_error(curves, pairs, weights) for weights in candidates]
    best: NDArray[np.float64] = candidates[np.argmin(errors)]
    return best


def pairwise(curves: Curves, space: SearchSpace) -> NDArray[np.float64]:
    """Return the differences between all pairs of configurations, float64 (N, N, P)."""
    configurations = curves.configurations
    return np.array([[differences(space, a, b) for b in configurations] for a in configurations])


def foretelling_error(
    curves: Curves, pairs: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return the mean difference in accuracy between nearest neighbours, over all epochs.

    Args:
        curves: Configurations and their learning curves.
        pairs: Differences between all pairs of configurations, float64 (N, N, P).
        weights: Weight of each parameter, float64 (P,).
    """
    distances = pairs @ weights
    np.fill_diagonal(distances, np.inf)
    accuracy = np.nan_to_num(curves.accuracy, nan=CHANCE)
    return float(np.abs(accuracy - accuracy[distances.argmin(axis=1)]).mean())
