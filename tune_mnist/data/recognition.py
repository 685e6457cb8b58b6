"""Recognition of shipped data sets among the user's files, by the content of the images."""

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import DataForm, number_names
from tune_mnist.data.names import CLASS_NAMES, DIGITS

SHA256 = {
    "mnist": (
        "d18cfd466eb143ac1097fde604dba9eec4116885869d04cc648b510949f9e88c",
        "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891",
    ),
    "fashion-mnist": (
        "1f243a60b4b748a44c48b9a6f6907be2a08bee3e4e226f0e86fbde8e147b745a",
        "9a494dc49efeb996f4076c469b31cd058152067b1594ba6ab85dd739fce3775e",
    ),
}
"""Checksums of the training and test images with their labels."""

_TEST_SHAPE = (10_000, 28, 28)


def checksum(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Return the SHA-256 of images and labels."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def with_shipped_name(dataset: Dataset) -> Dataset:
    """Return the user's own data with the name and class names of the shipped data set they equal.

    Other data, and KMNIST, whose checksums are not known here, are returned unchanged. Class names
    that are not numbers are kept.
    """
    if dataset.test_images.shape != _TEST_SHAPE:
        return dataset  # other sizes need no checksum
    test = checksum(dataset.test_images, dataset.test_labels)
    for name, (known_train, known_test) in SHA256.items():
        if test != known_test:
            continue
        if checksum(dataset.train_images, dataset.train_labels) == known_train:
            numbered = dataset.class_names == number_names(dataset.num_classes)
            names = CLASS_NAMES.get(name, dataset.class_names) if numbered else dataset.class_names
            return replace(dataset, name=name, class_names=names, centred=True)
    return dataset


def with_stored_names(dataset: Dataset, form: DataForm | None) -> Dataset:
    """Return a shipped data set with the names and the placing that a search has stored.

    Earlier versions called the classes of own data by their numbers, and a search must not mix two
    forms.

    Args:
        dataset: Data set of a resumed search. Data of another content, and data with class names
            of the user, are returned unchanged.
        form: Stored form, or None if none is stored.
    """
    usual = (number_names(dataset.num_classes), CLASS_NAMES.get(dataset.name))
    names = {dataset.class_names} | ({form.class_names} if form else set())
    if form is None or dataset.name not in (*SHA256, DIGITS) or not names.issubset(usual):
        return dataset
    return replace(
        dataset,
        name=form.name,
        class_names=form.class_names,
        centred=form.centred,
        fills_image=form.fills_image,
    )
