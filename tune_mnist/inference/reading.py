"""Images in, one reading each out, in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tune_mnist.data import to_tensor
from tune_mnist.errors import UserError
from tune_mnist.inference.inputs import Input
from tune_mnist.inference.model import Classifier
from tune_mnist.training import MODEL_FILE, evaluation_batch_size, out_of_memory_reported


@dataclass(frozen=True)
class Reading:
    """What the network takes an image for.

    Attributes:
        path: the file of the image.
        index: which image of an IDX file, from 0; None for a picture.
        ink: Whether a picture's digit was ``dark`` or ``light``; None where images are taken as
            they are.
        probabilities: float32 (C,), of each class.
    """

    path: Path
    index: int | None
    ink: str | None
    probabilities: NDArray[np.float32]

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return int(self.probabilities.argmax())


def read_digits(
    classifier: Classifier, inputs: Iterable[Input], device: torch.device
) -> Iterator[list[Reading]]:
    """Yield the readings of all images in order, as soon as a batch of them is there.

    Args:
        classifier: on the device.
        inputs: what to read.
        device: where to compute.

    Raises:
        UserError: The network's answer is not a number: its weights overflow.
    """
    for given in inputs:
        first = 0
        for batch in classify_images(classifier, given.images, device):
            if not np.isfinite(batch).all():
                raise UserError(
                    f"{given.path}: the network's answer is not a number: the weights in"
                    f" {MODEL_FILE} are too large to compute with"
                )
            yield [
                Reading(given.path, None if given.is_picture else first + i, given.ink, row)
                for i, row in enumerate(batch)
            ]
            first += len(batch)


@torch.inference_mode()
def classify_images(
    classifier: Classifier, images: NDArray[np.uint8], device: torch.device
) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities (B, C) of one batch of the images after the other.

    Args:
        classifier: Classifier on the device.
        images: uint8 (N, S, S) or (N, S, S, 3).
        device: Device of the classifier.
    """
    largest = max(classifier.size, images.shape[1])
    for batch in torch.split(to_tensor(images), evaluation_batch_size(largest)):
        with out_of_memory_reported(
            f"not enough memory on {device.type} to classify {len(batch)} images at"
            f" {classifier.size}x{classifier.size} pixels with this network"
        ):
            probabilities = classifier(batch.to(device)).cpu().numpy()
        yield probabilities
