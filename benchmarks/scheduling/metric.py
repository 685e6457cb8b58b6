"""How alike two configurations are, measured so that like configurations train alike.

With every parameter counting the same, the nearest configuration of a table says nothing of how a
configuration trains: a tenth of the dropout's range weighs as much as a tenth of the learning
rate's, which is a factor of two. So each parameter has a weight, and the weights are those with
which the curve of each recorded configuration is best foretold by that of its nearest neighbour.
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
    """Return by how much two configurations differ in each parameter, from 0 to 1.

    Numbers differ by their share of the range, on a logarithmic scale where the space has one;
    categories by 0 or 1; a parameter that only one of the two has by 0, as the category it hangs
    on differs already.

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
    """Return each parameter's weight, float64 (P,), in sum 1: the best of many drawn at random."""
    pairs = pairwise(curves, space)
    names = len(space.parameters)
    # Below 1 the draws are uneven: some parameters matter much, and others hardly.
    candidates = np.random.default_rng(0).dirichlet(np.full(names, 0.5), CANDIDATES)
    errors = [foretelling_error(curves, pairs, weights) for weights in candidates]
    best: NDArray[np.float64] = candidates[np.argmin(errors)]
    return best


def pairwise(curves: Curves, space: SearchSpace) -> NDArray[np.float64]:
    """Return the differences of all pairs of configurations, float64 (N, N, P)."""
    configurations = curves.configurations
    return np.array([[differences(space, a, b) for b in configurations] for a in configurations])


def foretelling_error(
    curves: Curves, pairs: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return by how much the accuracies of nearest neighbours differ, on the mean of all epochs.

    Args:
        curves: the configurations.
        pairs: their differences, float64 (N, N, P).
        weights: of the parameters, float64 (P,).
    """
    distances = pairs @ weights
    np.fill_diagonal(distances, np.inf)
    accuracy = np.nan_to_num(curves.accuracy, nan=CHANCE)
    return float(np.abs(accuracy - accuracy[distances.argmin(axis=1)]).mean())
