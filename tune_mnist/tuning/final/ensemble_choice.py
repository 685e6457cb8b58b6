"""Greedy choice of an ensemble on validation images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tune_mnist.training import log_loss
from tune_mnist.training.ensemble_file import MAX_MEMBERS

Score = tuple[float, float]
"""Accuracy, and minus the log loss, which decides between equal accuracies."""


def score_of(predicted: NDArray[np.float64], labels: NDArray[np.int64]) -> Score:
    """Return the score of class probabilities (N, C); the larger the better."""
    accuracy = float((predicted.argmax(axis=1) == labels).mean())
    return accuracy, -log_loss(predicted, labels)


def choose_members(
    predicted: Sequence[NDArray[np.float64]], labels: NDArray[np.int64]
) -> list[int]:
    """Choose the best single network, then add the networks that improve the ensemble most.

    A network can be added again, which gives it more weight in the mean of the probabilities. The
    choice ends at 8 networks, or when no network lowers the log loss (Caruana et al., "Ensemble
    Selection from Libraries of Models", ICML 2004). The log loss depends on every image. The
    accuracy depends on the few images whose class changes, and a choice by it overfits to them.

    Args:
        predicted: Class probabilities (N, C) of each network, for images that none of them was
            trained on.
        labels: Labels (N,).

    Returns:
        Indices of the chosen networks, in the order of their choice. Of equal networks the one
        with the lowest index is chosen.
    """
    scores = [score_of(each, labels) for each in predicted]
    chosen = [max(range(len(scores)), key=scores.__getitem__)]
    total = predicted[chosen[0]].copy()
    loss = log_loss(total, labels)
    while len(chosen) < MAX_MEMBERS:
        size = len(chosen) + 1
        losses = [log_loss((total + each) / size, labels) for each in predicted]
        index = int(np.argmin(losses))
        if not losses[index] < loss:
            break
        chosen.append(index)
        total += predicted[index]
        loss = losses[index]
    return chosen
