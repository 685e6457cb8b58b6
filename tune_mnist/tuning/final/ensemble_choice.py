"""Greedy selection of an ensemble on the validation images."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tune_mnist.training import fit_temperature, log_loss, probabilities
from tune_mnist.training.ensemble_file import MAX_MEMBERS, Candidate, Ensemble
from tune_mnist.tuning.storage.kept_models import BestConfig

Score = tuple[float, float]
"""Accuracy and negative log loss; the log loss decides between equal accuracies."""


def score_of(predicted: NDArray[np.float64], labels: NDArray[np.int64]) -> Score:
    """Return the score by which ensembles are compared. A larger score is better."""
    accuracy = float((predicted.argmax(axis=1) == labels).mean())
    return accuracy, -log_loss(predicted, labels)


class Selection(NamedTuple):
    """Networks selected for an ensemble.

    Attributes:
        members: Indices of the selected networks, in the order of selection.
        scores: Score of each network, whether selected or not.
        predicted: Class probabilities (N, C) of the ensemble.
    """

    members: list[int]
    scores: list[Score]
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
            trained.
        labels: Labels of the images (N,).

    Returns:
        Selected networks. Among equally good networks, the one with the lowest index is selected.
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
    return Selection(chosen, scores, total / len(chosen))


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
    counts, scores = Counter(chosen.members), chosen.scores
    ranked = sorted(range(len(configs)), key=scores.__getitem__, reverse=True)
    return Ensemble(
        candidates=[
            Candidate(
                trial=configs[index].trial,
                model=configs[index].model,
                epoch=configs[index].epoch,
                val_accuracy=scores[index][0],
                temperature=fit_temperature(logits[index], labels),
                count=counts[index],
            )
            for index in ranked
        ],
        val_images=len(labels),
        val_accuracy=score_of(chosen.predicted, labels)[0],
    )
