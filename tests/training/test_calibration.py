"""Expected calibration error and fitted temperature, on constructed predictions."""

import numpy as np
import pytest

from tune_mnist.training import (
    expected_calibration_error,
    fit_temperature,
    log_loss,
    probabilities,
)

IMAGES, CLASSES = 40_000, 10


@pytest.fixture(scope="module")
def drawn():
    """Return logits, and labels that are drawn from their probabilities."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (IMAGES, CLASSES))
    cumulative = probabilities(logits).cumsum(axis=1)
    labels = (rng.random((IMAGES, 1)) > cumulative).sum(axis=1)
    return logits, np.minimum(labels, CLASSES - 1)


def test_a_calibrated_network_has_an_error_near_zero(drawn):
    logits, labels = drawn
    assert expected_calibration_error(probabilities(logits), labels) < 0.01


def test_too_much_confidence_is_the_gap_to_the_accuracy():
    predicted = np.full((100, 2), [0.9, 0.1])
    labels = np.array([0] * 60 + [1] * 40)
    assert expected_calibration_error(predicted, labels) == pytest.approx(0.3)


def test_gaps_of_different_bins_do_not_cancel():
    predicted = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [0] * 7 + [1] * 3)  # 0.1 too sure, 0.1 too unsure
    assert expected_calibration_error(predicted, labels) == pytest.approx(0.1)


@pytest.mark.parametrize("predicted", [[[1.0, 0.0]], [[0.5, 0.5]]], ids=["sure", "undecided"])
def test_confidences_at_the_ends_of_the_bins_are_counted(predicted):
    found = expected_calibration_error(np.array(predicted), np.array([0]))
    assert found == pytest.approx(1 - predicted[0][0])


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_a_known_scale(drawn, scale):
    logits, labels = drawn
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.05)


def test_the_temperature_removes_the_calibration_error(drawn):
    logits, labels = drawn
    fitted = probabilities(logits * 4, fit_temperature(logits * 4, labels))
    assert expected_calibration_error(probabilities(logits * 4), labels) > 0.05
    assert expected_calibration_error(fitted, labels) < 0.01


def test_the_temperature_of_a_network_without_errors_is_finite():
    logits = np.eye(3) * 8
    assert 0 < fit_temperature(logits, np.arange(3)) < 1


def test_half_precision_logits_give_finite_probabilities():
    logits = np.array([[60_000, -60_000]], np.float16)
    predicted = probabilities(logits)
    assert predicted.tolist() == [[1, 0]]
    assert np.isfinite(log_loss(predicted, np.array([1])))
