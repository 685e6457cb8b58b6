"""Data set that is held in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.form import DataForm, number_names


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels.

    Attributes:
        name: Name of the data set. For the user's own data, this is the name of the folder or
            file, unless their content is that of a shipped data set.
        train_images: Training images, uint8 (N, S, S), or (N, S, S, 3) in RGB.
        train_labels: Training labels as class numbers, int64 (N,).
        test_images: Test images, uint8 (M, S, S) or (M, S, S, 3).
        test_labels: Test labels, int64 (M,).
        class_names: Name of each class. If empty, the classes are called by their numbers.
        transposed: Whether the rows and columns of the images were swapped when they were loaded.
        centred: Whether the images are centred like MNIST's, see ``DataForm``.
        fills_image: Whether the digits fill their images, see ``DataForm``.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...] = ()
    transposed: bool = False
    centred: bool = False
    fills_image: bool = False

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
        """Number of channels: 1 (grey) or 3 (RGB)."""
        return channels_of(self.train_images)

    @property
    def form(self) -> DataForm:
        """Form of the images. A network trained on this data set expects the same form."""
        return DataForm(
            name=self.name,
            side=self.train_images.shape[1],
            channels=self.channels,
            class_names=self.class_names,
            transposed=self.transposed,
            centred=self.centred,
            fills_image=self.fills_image,
        )


def channels_of(images: NDArray[np.uint8]) -> int:
    """Return the number of channels of an array of images, (N, S, S) or (N, S, S, C)."""
    return 1 if images.ndim == 3 else images.shape[3]
