"""Greedy selection of an ensemble on the validation images."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tune_mnist.training import fit_temperature, log_loss, probabilities
from tune_mnist.training.ensemble_file import MAX_MEMBERS, Candidate, Ensemble
from tune_mnist.tuning.storage.kept_models import BestConfig


def accuracy_of(predicted: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the share of the images that are classified correctly."""
    return float((predicted.argmax(axis=1) == labels).mean())


class Selection(NamedTuple):
    """Networks selected for an ensemble.

    Attributes:
        members: Indices of the selected networks, in the order of selection.
        accuracies: Accuracy of each network, whether selected or not.
        predicted: Class probabilities (N, C) of the ensemble.
    """

    members: list[int]
    accuracies: list[float]
    predicted: NDArray[np.float64]


def choose_members(
    predicted: Sequence[NDArray[np.float64]], labels: NDArray[np.int64]
) -> Selection:
    """Select the best single network, then add the networks that improve the ensemble most.

    A network can be added several times, which gives it more weight in the mean of the
    probabilities. The selection ends at 8 networks, or when no network lowers the log loss
    (Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004). The log loss is
    used because it depends on every image, whereas a selection by accuracy overfits to the few
    images whose predicted class changes.

    Args:
        predicted: Class probabilities (N, C) of each network, for images on which no network was
            trained, ordered by trial number.
        labels: Labels of the images (N,).

    Returns:
        Selected networks. Among equally accurate networks, the first is selected, as in the
        ranking of trials; among networks that lower the log loss equally, too.
    """
    accuracies = [accuracy_of(each, labels) for each in predicted]
    chosen = [int(np.argmax(accuracies))]
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
    return Selection(chosen, accuracies, total / len(chosen))


def chosen_ensemble(
    configs: Sequence[BestConfig],
    logits: Sequence[NDArray[np.floating]],
    labels: NDArray[np.int64],
) -> Ensemble:
    """Select an ensemble from the candidates greedily, without testing it.

    Args:
        configs: Configuration and origin of each candidate.
        logits: Logits of each candidate for the validation images (N, C).
        labels: Labels of the validation images (N,).
    """
    predicted = [probabilities(each) for each in logits]
    chosen = choose_members(predicted, labels)
    counts, accuracies = Counter(chosen.members), chosen.accuracies
    ranked = sorted(range(len(configs)), key=accuracies.__getitem__, reverse=True)
    return Ensemble(
        candidates=[
            Candidate(
                trial=configs[index].trial,
                model=configs[index].model,
                epoch=configs[index].epoch,
                val_accuracy=accuracies[index],
                temperature=fit_temperature(logits[index], labels),
                count=counts[index],
            )
            for index in ranked
        ],
        val_images=len(labels),
        val_accuracy=accuracy_of(chosen.predicted, labels),
    )
