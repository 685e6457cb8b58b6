"""Split of a data set into a training split and a validation split, and fractions of both."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.dataset import Dataset, channels_of
from tune_mnist.data.form import number_names
from tune_mnist.errors import UserError
from tune_mnist.typed_options import as_typed

# All searches use the same split, so that their results are comparable.
SPLIT_SEED = 0
VAL_SHARE = 0.2
MIN_VAL_IMAGES = 2_000
GUESSING_ERRORS = 3
"""Standard errors by which an accuracy must exceed the largest class to be no guess."""

MIN_TRAIN_IMAGES = 4_000
"""Minimum number of training images with the default fraction, if the data set has as many."""


@dataclass(frozen=True)
class DataSplit:
    """Training images of a data set, divided into a training and a validation split by index.

    Attributes:
        images: All training images of the data set, uint8 (N, S, S) or (N, S, S, 3).
        labels: Labels, int64 (N,).
        train: Indices of the training split, int64.
        val: Indices of the validation split, int64.
        num_classes: Number of classes.
        class_names: Name of each class. If empty, the classes are called by their numbers.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    num_classes: int
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.class_names:
            object.__setattr__(self, "class_names", number_names(self.num_classes))

    @property
    def channels(self) -> int:
        """Number of channels: 1 (grey) or 3 (RGB)."""
        return channels_of(self.images)

    @property
    def chance_level(self) -> float:
        """Validation accuracy that a network must exceed to count as having learned.

        A network that always predicts the largest class reaches the fraction of this class. The
        chance level is this fraction plus a tenth of the remainder to 1, to allow for random
        fluctuations.
        """
        largest, _ = self._largest_class
        return largest + 0.1 * (1 - largest)

    @property
    def guessing_level(self) -> float:
        """Highest validation accuracy that can be explained by guessing, for withholding work.

        This is the fraction of the largest class plus three standard errors of an accuracy on that
        number of validation images. It is never above ``chance_level``, which is made for warnings
        and would count an accuracy of 10% with 100 balanced classes as guessing.
        """
        largest, images = self._largest_class
        errors = GUESSING_ERRORS * math.sqrt(largest * (1 - largest) / images)
        return min(largest + errors, self.chance_level)

    @property
    def _largest_class(self) -> tuple[float, int]:
        """Fraction of the largest class among the validation images, and their number."""
        labels = self.labels[self.val if len(self.val) else self.train]
        return float(np.bincount(labels).max() / len(labels)), len(labels)


def default_fraction(wanted: float, images: int) -> float:
    """Return the default fraction of the training split, which is larger for small data sets.

    Args:
        wanted: Default fraction for a data set as large as MNIST.
        images: Number of images in the training and validation splits together.

    Returns:
        Fraction that yields at least MIN_TRAIN_IMAGES training images, or 1.
    """
    return min(1.0, max(wanted, MIN_TRAIN_IMAGES / ((1 - VAL_SHARE) * images)))


def count_validation(images: int, fraction: float, val_fraction: float | None = None) -> int:
    """Return the number of validation images that are used with given fractions.

    Args:
        images: Number of images in the whole validation split.
        fraction: Fraction of the training split that is used.
        val_fraction: Fraction of the validation split that is used. If None, ``fraction`` is used,
            but with at least MIN_VAL_IMAGES images, or all images if there are fewer.
    """
    if val_fraction is not None:
        return round(val_fraction * images)
    return max(round(fraction * images), min(MIN_VAL_IMAGES, images))


def split_dataset(
    dataset: Dataset, fraction: float = 1.0, val_fraction: float | None = None
) -> DataSplit:
    """Split the training images 80/20, stratified by class, and keep a fraction of each split.

    Args:
        dataset: Data set to split. Its images are shared, not copied.
        fraction: Fraction of the training split to keep, greater than 0 and at most 1. The first
            images of the split are kept.
        val_fraction: Fraction of the validation split to keep, stratified by class. If None,
            ``fraction`` is used, with a minimum of 2,000 images (or all, if there are fewer).

    Raises:
        UserError: A fraction is out of range or leaves too few images for the number of classes.
    """
    _check_share("fraction", fraction)
    if val_fraction is not None:
        _check_share("val_fraction", val_fraction)
    labels, names = dataset.train_labels, dataset.class_names
    train, val = _stratified(
        np.arange(len(labels)), labels, VAL_SHARE, f"{dataset.name}, training images", names
    )
    train = train[: round(fraction * len(train))]
    if len(train) < dataset.num_classes:
        raise UserError(
            f"fraction {fraction:g} leaves {len(train)} training images for"
            f" {dataset.num_classes} classes: increase the fraction"
        )
    wanted = count_validation(len(val), fraction, val_fraction)
    if wanted < dataset.num_classes:
        share = fraction if val_fraction is None else val_fraction
        raise UserError(
            f"val_fraction {share:g} leaves {wanted} validation images for"
            f" {dataset.num_classes} classes: increase the fraction"
        )
    # A stratified split needs every class in the unused rest too. Otherwise use the whole part.
    if len(val) - wanted >= dataset.num_classes:
        _, val = _stratified(val, labels[val], wanted, f"{dataset.name}, validation split", names)
    return DataSplit(dataset.train_images, labels, train, val, dataset.num_classes, names)


def train_val_indices(everything: DataSplit, fraction: float = 1.0) -> NDArray[np.int64]:
    """Return the training indices of a final run, which trains on both splits.

    Args:
        everything: Training and validation split with all images.
        fraction: Fraction of each split to use, greater than 0 and at most 1. The first images of
            each split are used.

    Returns:
        Indices of the training split, followed by those of the validation split, int64.

    Raises:
        UserError: The fraction is out of range or leaves too few images for the number of classes.
    """
    _check_share("final_fraction", fraction)
    parts = (everything.train, everything.val)
    joined = np.concatenate([part[: round(fraction * len(part))] for part in parts])
    if len(joined) < everything.num_classes:
        raise UserError(
            f"final_fraction {fraction:g} leaves {len(joined)} images for"
            f" {everything.num_classes} classes: increase the fraction"
        )
    return joined


def _stratified(
    indices: NDArray[np.int64],
    labels: NDArray[np.int64],
    held_out: float,
    where: str,
    names: tuple[str, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Imported late: workers import this module but never split, so they start faster.
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    few = np.flatnonzero(counts == 1)
    if len(few):
        raise UserError(
            f"{where}: there is only 1 image of class {names[few[0]]}, but a split by class"
            " requires at least 2 images of each class"
        )
    classes = np.count_nonzero(counts)
    if isinstance(held_out, float) and math.ceil(held_out * len(labels)) < classes:
        raise UserError(
            f"{where}: cannot be split by class: {len(labels)} images of {classes} classes are too"
            f" few, as the validation split ({held_out:.0%}) must contain each class"
        )
    try:
        rest, part = train_test_split(
            indices, test_size=held_out, stratify=labels, random_state=SPLIT_SEED
        )
    except ValueError as error:
        raise UserError(f"{where}: cannot be split by class: {error}") from None
    return rest, part


def _check_share(name: str, share: float) -> None:
    if not 0 < share <= 1:
        raise UserError(f"{as_typed(name)} must be greater than 0 and at most 1, but is {share:g}")
