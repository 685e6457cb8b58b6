"""The 80/20 split into training and validation part, and subsets of both."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.dataset import Dataset, channels_of
from tune_mnist.data.form import number_names
from tune_mnist.errors import UserError

# The split is the same for every search and every seed, so that their results compare.
SPLIT_SEED = 0
VAL_SHARE = 0.2
MIN_VAL_IMAGES = 2_000
MIN_TRAIN_IMAGES = 4_000
"""Training images that a default fraction leaves, or all there are."""


@dataclass(frozen=True)
class DataSplit:
    """Images, and which of them train and which validate.

    Attributes:
        images: uint8 (N, S, S) or (N, S, S, 3), all training images of the data set.
        labels: int64 (N,).
        train: int64, indices of the training part.
        val: int64, indices of the validation part.
        num_classes: size of a network's output.
        class_names: Name of each class; empty: the numbers from 0.
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
        """1 (grey) or 3 (RGB)."""
        return channels_of(self.images)

    @property
    def chance_level(self) -> float:
        """A val_accuracy that only a network exceeds which has learned something.

        Guessing reaches the share of the largest class; a tenth of the way from there to 1 is
        beyond what luck adds.
        """
        labels = self.labels[self.val if len(self.val) else self.train]
        largest = float(np.bincount(labels).max() / len(labels))
        return largest + 0.1 * (1 - largest)


def default_fraction(wanted: float, images: int) -> float:
    """Return a share of the training part that nobody has asked for, large enough for small data.

    Args:
        wanted: Default for data sets of MNIST's size.
        images: Images of both parts together.

    Returns:
        The share, raised until it leaves MIN_TRAIN_IMAGES, or all there are.
    """
    return min(1.0, max(wanted, MIN_TRAIN_IMAGES / ((1 - VAL_SHARE) * images)))


def split_dataset(
    dataset: Dataset, fraction: float = 1.0, val_fraction: float | None = None
) -> DataSplit:
    """Split 80/20, stratified by class, always alike; then take the wanted share of both parts.

    Args:
        dataset: what to split; its images are shared, not copied.
        fraction: share of the training part, its first images in order.
        val_fraction: share of the validation part, stratified; None: as ``fraction``, but at
            least 2,000 images (or all there are).

    Raises:
        UserError: a share out of its range, or so small that classes would be missing.
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
            f"fraction = {fraction:g}: leaves {len(train)} training images for"
            f" {dataset.num_classes} classes: take a larger share"
        )
    if val_fraction is None:
        wanted = max(round(fraction * len(val)), min(MIN_VAL_IMAGES, len(val)))
    else:
        wanted = round(val_fraction * len(val))
    if wanted < dataset.num_classes:
        share = fraction if val_fraction is None else val_fraction
        raise UserError(
            f"val_fraction = {share:g}: leaves {wanted} validation images for"
            f" {dataset.num_classes} classes: take a larger share"
        )
    # What is left over must hold every class too; where it cannot, all of the part is taken.
    if len(val) - wanted >= dataset.num_classes:
        _, val = _stratified(val, labels[val], wanted, f"{dataset.name}, validation part", names)
    return DataSplit(dataset.train_images, labels, train, val, dataset.num_classes, names)


def train_val_indices(everything: DataSplit, fraction: float = 1.0) -> NDArray[np.int64]:
    """Return what to train on once nothing is to be validated any more.

    Args:
        everything: both parts of the data set, whole.
        fraction: share of each part, its first images in order.

    Returns:
        Indices, those of the training part first.

    Raises:
        UserError: a share out of its range, or so small that classes would be missing.
    """
    _check_share("final_fraction", fraction)
    parts = (everything.train, everything.val)
    joined = np.concatenate([part[: round(fraction * len(part))] for part in parts])
    if len(joined) < everything.num_classes:
        raise UserError(
            f"final_fraction = {fraction:g}: leaves {len(joined)} images for"
            f" {everything.num_classes} classes: take a larger share"
        )
    return joined


def _stratified(
    indices: NDArray[np.int64],
    labels: NDArray[np.int64],
    held_out: float,
    where: str,
    names: tuple[str, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Workers have this module, too, and split nothing: they need not wait for scikit-learn.
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    few = np.flatnonzero(counts == 1)
    if len(few):
        raise UserError(
            f"{where}: only 1 image of class {names[few[0]]}: splitting by class takes at least 2"
            " of each"
        )
    classes = np.count_nonzero(counts)
    if isinstance(held_out, float) and math.ceil(held_out * len(labels)) < classes:
        raise UserError(
            f"{where}: cannot be split by class: {len(labels)} images of {classes} classes are too"
            f" few, as the {held_out:.0%} that validate must hold each class"
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
        raise UserError(f"{name} = {share:g}: must be greater than 0 and at most 1")
