"""Calibration of a network: the agreement of its confidence with its accuracy."""

import math

import numpy as np
from numpy.typing import NDArray

BINS = 15
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
"""Limits of a fitted temperature, which has no minimum for a network that makes no error."""


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Convert logits to class probabilities (N, C), with the confidence scaled by a temperature.

    The probabilities are the softmax of the logits divided by the temperature.

    Args:
        logits: Outputs of a network (N, C).
        temperature: Temperature, greater than 0. Values above 1 lower the confidence.
    """
    # Imported here because trials never call this, so their workers start without SciPy.
    from scipy.special import softmax

    result: NDArray[np.float64] = softmax(logits.astype(np.float64) / temperature, axis=1)
    return result


def expected_calibration_error(
    predicted: NDArray[np.floating], labels: NDArray[np.int64]
) -> float:
    """Return the expected calibration error: the mean gap between confidence and accuracy.

    The images are grouped by confidence, the probability of the predicted class, into 15 bins of
    equal width. The gaps of the bins are weighted by the number of images (Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017).

    Args:
        predicted: Class probabilities (N, C).
        labels: True classes, int64 (N,).
    """
    confidence = predicted.max(axis=1)
    correct = predicted.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def log_loss(predicted: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the log loss: the mean negative log-likelihood of the labels.

    Args:
        predicted: Class probabilities (N, C).
        labels: True classes, int64 (N,).
    """
    true = predicted[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, np.finfo(np.float64).tiny)).mean())


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the temperature that gives the lowest log loss, from 0.05 to 20.

    Args:
        logits: Outputs of a network (N, C) for images that it was not trained on.
        labels: True classes, int64 (N,).
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: log_loss(probabilities(logits, math.exp(log)), labels),
        bounds=(math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE)),
        method="bounded",
    )
    # The exponential of a limit's logarithm can lie beyond the limit by rounding.
    return min(max(math.exp(found.x), MIN_TEMPERATURE), MAX_TEMPERATURE)
