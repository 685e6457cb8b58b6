"""Surrogate model that predicts learning curves from the recorded ones.

The recorded table has few good configurations, so a sampler that has found a good region soon
cannot try further configurations in it. A table of thousands of predicted curves avoids this.

Source: Eggensperger et al., "Efficient Benchmarking of Hyperparameter Optimizers via Surrogates",
AAAI 2015; the trees are those of Geurts et al., "Extremely Randomized Trees", Machine Learning
2006.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks.scheduling.curves import CHANCE, Curves
from benchmarks.scheduling.record_curves import draw_configurations
from tune_mnist.tuning.spaces.parameters import CategoricalParameter
from tune_mnist.tuning.spaces.space import SearchSpace

TREES = 300
FOLDS = 10
# Far outside the range of existing values, so that one split of a tree separates absent values.
ABSENT = -1.0


def imitate(curves: Curves, space: SearchSpace, count: int, seed: int) -> Curves:
    """Sample random configurations, and predict the accuracy and cost of each epoch.

    Args:
        curves: Recorded curves.
        space: Search space to sample from.
        count: Number of configurations.
        seed: Random seed of the samples.
    """
    configurations = draw_configurations(space, count, seed)
    model = _create_model().fit(_encode_all(space, curves.configurations), _targets(curves))
    foretold = model.predict(_encode_all(space, configurations))
    return Curves(configurations, foretold[:, : curves.epochs], foretold[:, curves.epochs :])


def explained_variance(curves: Curves, space: SearchSpace) -> float:
    """Return the coefficient of determination (R2) of final accuracies in a cross-validation."""
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    inputs = _encode_all(space, curves.configurations)
    foretold = cross_val_predict(_create_model(), inputs, _targets(curves), cv=folds)
    errors = curves.final - foretold[:, curves.epochs - 1]
    return float(1 - (errors**2).mean() / curves.final.var())


def _create_model() -> ExtraTreesRegressor:
    return ExtraTreesRegressor(TREES, random_state=0)


def _targets(curves: Curves) -> NDArray[np.float64]:
    accuracy = np.nan_to_num(curves.accuracy, nan=CHANCE)
    # The cost after divergence is unknown; the cost of the first epoch is assumed.
    seconds = np.where(np.isnan(curves.accuracy), curves.seconds[:, :1], curves.seconds)
    return np.hstack([accuracy, seconds])


def _encode_all(space: SearchSpace, configurations: list[dict[str, Any]]) -> NDArray[np.float64]:
    return np.array([_encode(space, configuration) for configuration in configurations])


def _encode(space: SearchSpace, configuration: dict[str, Any]) -> list[float]:
    numbers: list[float] = []
    for name, parameter in space.parameters.items():
        value = configuration.get(name)
        if isinstance(parameter, CategoricalParameter):
            numbers += [float(value == choice) for choice in parameter.choices]
        elif value is None:
            numbers.append(ABSENT)
        else:
            ends = parameter.low, parameter.high, value
            low, high, at = map(log, ends) if parameter.log else ends
            numbers.append((at - low) / (high - low))
    return numbers
