"""Validation of user-provided images and labels, and their assembly into a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import GREY, MAX_CLASS_NAME, MAX_SIDE, MIN_SIDE, RGB, SIDE
from tune_mnist.data.names import ARRAYS
from tune_mnist.errors import UserError
from tune_mnist.models.settings import MAX_CLASSES
from tune_mnist.quoting import printable, quoted

_SHAPES = f"(N, S, S) or (N, S, S, 3) with S from {MIN_SIDE} to {MAX_SIDE}"


@dataclass(frozen=True)
class Part:
    """Training or test images and labels of a data set, before validation.

    Attributes:
        images: Images, expected to be uint8 (N, S, S) or (N, S, S, 3).
        labels: Labels, expected to be integers or strings (N,).
        images_at: Source of the images for error messages, such as a file name.
        labels_at: Source of the labels for error messages.
    """

    images: NDArray[Any]
    labels: NDArray[Any]
    images_at: str
    labels_at: str


def dataset_from_arrays(
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    *,
    name: str = ARRAYS,
    class_names: Sequence[str] | None = None,
    transpose: bool = False,
) -> Dataset:
    """Create a data set from arrays in memory.

    Args:
        x_train: Training images, uint8 (N, S, S) or (N, S, S, 3), with S from 8 to 512.
        y_train: Training labels (N,), strings or any integers.
        x_test: Test images, uint8, with the same image shape as the training images.
        y_test: Test labels (M,), of the same kind as the training labels.
        name: Name of the data set in tables and plots.
        class_names: Names of the classes in the order of the sorted labels. If None, the labels
            are used.
        transpose: Whether to swap the rows and columns of each image.

    Raises:
        UserError: An array has the wrong type or shape, the arrays do not match each other, or
            there is only one class.
    """
    if not 0 < len(name) <= MAX_CLASS_NAME:
        raise UserError(f"name must have 1 to {MAX_CLASS_NAME} characters, but is {quoted(name)}")
    train = Part(np.asarray(x_train), np.asarray(y_train), "x_train", "y_train")
    test = Part(np.asarray(x_test), np.asarray(y_test), "x_test", "y_test")
    return assemble(printable(name), train, test, class_names=class_names, transpose=transpose)


def assemble(
    name: str,
    train: Part,
    test: Part,
    *,
    class_names: Sequence[str] | None = None,
    transpose: bool = False,
    centred: bool = False,
) -> Dataset:
    """Validate training and test images and create the data set.

    The classes are numbered from 0, in the order of the sorted labels.

    Args:
        name: Name of the data set.
        train: Training images and labels.
        test: Test images and labels.
        class_names: Names of the classes in the order of the sorted labels. If None, the labels
            are used.
        transpose: Whether to swap the rows and columns of each image.
        centred: Whether grey images of 28x28 pixels are centred like MNIST's.

    Raises:
        UserError: The training or test images are invalid, or do not match each other. The message
            names the file or array.
    """
    train_images, test_images = _images(train), _images(test)
    if train_images.shape[1:] != test_images.shape[1:]:
        raise UserError(
            f"{test.images_at}: the images must have the shape {train_images.shape[1:]}, as in"
            f" {train.images_at}, but have {test_images.shape[1:]}"
        )
    classes, train_labels = np.unique(_labels(train, len(train_images)), return_inverse=True)
    if len(classes) < 2:
        raise UserError(
            f"{train.labels_at}: there must be two classes or more, but every training label is"
            f" {quoted(classes[0].item())}"
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"{train.labels_at}: there must be at most {MAX_CLASSES} classes, but there are"
            f" {len(classes):,}"
        )
    if transpose:
        train_images, test_images = _transposed(train_images), _transposed(test_images)
    return Dataset(
        name,
        train_images,
        train_labels.astype(np.int64),
        test_images,
        _numbered(test, len(test_images), classes),
        _names(classes, class_names),
        transposed=transpose,
        centred=centred and train_images.shape[1:] == (SIDE, SIDE),
    )


def _images(part: Part) -> NDArray[np.uint8]:
    """Return the images as uint8 (N, S, S) or (N, S, S, 3)."""
    images = part.images
    if images.dtype.kind not in "iu":
        raise UserError(
            f"{part.images_at}: pixels must be whole numbers from 0 to 255 (uint8), but are"
            f" {images.dtype}"
        )
    if images.ndim == 4 and images.shape[3] == GREY:
        images = images[..., 0]
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == RGB)
    square = fits and images.shape[1] == images.shape[2]
    if not square or (len(images) and not MIN_SIDE <= images.shape[1] <= MAX_SIDE):
        shape = part.images.shape
        raise UserError(f"{part.images_at}: the shape must be {_SHAPES}, but is {shape}")
    if len(images) == 0:
        raise UserError(f"{part.images_at}: there must be at least one image")
    if images.dtype != np.uint8:
        if images.min() < 0 or images.max() > 255:
            raise UserError(
                f"{part.images_at}: pixels must be from 0 to 255, but are from {images.min()} to"
                f" {images.max()}"
            )
        images = images.astype(np.uint8)
    return np.ascontiguousarray(images)


def _labels(part: Part, count: int) -> NDArray[Any]:
    labels = part.labels
    if labels.ndim == 2 and labels.shape[1] == 1:  # the shape of MedMNIST's labels
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(
            f"{part.labels_at}: the shape must be (N,), one label per image, but is {labels.shape}"
        )
    if labels.dtype.kind not in "iubU":
        raise UserError(
            f"{part.labels_at}: labels must be whole numbers or strings, but are {labels.dtype}"
        )
    if len(labels) != count:
        raise UserError(
            f"{part.labels_at}: there must be one label for each of the {count:,} images in"
            f" {part.images_at}, but there are {len(labels):,} labels"
        )
    return labels


def _numbered(test: Part, count: int, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class numbers of the test labels."""
    labels = _labels(test, count)
    if (labels.dtype.kind == "U") != (classes.dtype.kind == "U"):
        wanted = "strings" if classes.dtype.kind == "U" else "whole numbers"
        raise UserError(
            f"{test.labels_at}: labels must be {wanted} like the training labels, but are"
            f" {labels.dtype}"
        )
    places = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = labels[classes[places] != labels]
    if len(unknown):
        raise UserError(
            f"{test.labels_at}: the label {quoted(unknown[0].item())} does not occur in the"
            " training labels"
        )
    return places.astype(np.int64)


def _names(classes: NDArray[Any], given: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(printable(str(name)) for name in (classes.tolist() if given is None else given))
    if len(names) != len(classes):
        raise UserError(
            f"class_names must have {len(classes)} names, one per class, but has {len(names)}"
        )
    if len(set(names)) < len(names):
        raise UserError("class_names must not contain a name twice")
    for name in names:
        if not 0 < len(name) <= MAX_CLASS_NAME:
            raise UserError(
                f"class {quoted(name)}: a class name must have 1 to {MAX_CLASS_NAME} characters"
            )
    return names


def _transposed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.swapaxes(1, 2))
