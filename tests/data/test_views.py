import numpy as np
import pytest

from tests.messages import assert_refused
from tune_mnist.data import Dataset, as_arrays, normalise


def test_pixels_are_scaled_to_0_to_1() -> None:
    pixels = normalise(np.array([[0, 51, 255]], np.uint8))
    assert pixels.dtype == np.float32
    assert pixels.tolist() == [[0.0, pytest.approx(0.2), 1.0]]


def test_the_plain_view_has_images_and_labels(digits: Dataset) -> None:
    images, labels = as_arrays(digits.test_images, digits.test_labels)
    assert (images.shape, images.dtype) == ((360, 28, 28), np.float32)
    assert labels.dtype == np.int64
    assert np.array_equal(labels, digits.test_labels)


def test_the_flat_view_is_row_by_row(digits: Dataset) -> None:
    images, _ = as_arrays(digits.test_images, digits.test_labels, flat=True)
    assert images.shape == (360, 784)
    assert np.array_equal(images[7, 28:56], normalise(digits.test_images[7, 1]))


def test_the_one_hot_view(digits: Dataset) -> None:
    _, labels = as_arrays(digits.test_images, digits.test_labels, one_hot=True)
    assert (labels.shape, labels.dtype) == ((360, 10), np.float32)
    assert np.array_equal(labels.argmax(axis=1), digits.test_labels)
    assert np.array_equal(labels.sum(axis=1), np.ones(360))


def test_the_one_hot_view_of_a_given_width() -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    _, labels = as_arrays(images, np.array([0, 2]), one_hot=True, num_classes=4)
    assert labels.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


def test_labels_beyond_the_given_width_are_refused() -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    given = {"one_hot": True, "num_classes": 2}
    assert_refused("num_classes 3 2", as_arrays, images, np.array([0, 2]), **given)
