"""A data set in memory: training and test images with their labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.form import DataForm, number_names


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels.

    Attributes:
        name: Name of the data set; for data of the user's own that of the folder or file.
        train_images: uint8 (N, S, S), or (N, S, S, 3) in RGB.
        train_labels: int64 (N,), numbers of the classes.
        test_images: uint8 (M, S, S) or (M, S, S, 3).
        test_labels: int64 (M,).
        class_names: Name of each class; empty: the numbers from 0 to the largest label.
        transposed: Whether rows and columns of the files' images were exchanged.
        centred: Whether the images are prepared as MNIST's are, see ``DataForm``.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...] = ()
    transposed: bool = False
    centred: bool = False

    def __post_init__(self) -> None:
        if not self.class_names:
            largest = int(max(self.train_labels.max(), self.test_labels.max()))
            object.__setattr__(self, "class_names", number_names(largest + 1))

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        return channels_of(self.train_images)

    @property
    def form(self) -> DataForm:
        """What a network that is trained on the images expects of others."""
        return DataForm(
            name=self.name,
            side=self.train_images.shape[1],
            channels=self.channels,
            class_names=self.class_names,
            transposed=self.transposed,
            centred=self.centred,
        )


def channels_of(images: NDArray[np.uint8]) -> int:
    """Return the channels of images (N, S, S) or (N, S, S, C)."""
    return 1 if images.ndim == 3 else images.shape[3]
