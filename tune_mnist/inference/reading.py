"""Classification of input images in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tune_mnist.data import to_tensor
from tune_mnist.errors import UserError
from tune_mnist.inference.ensemble import EnsembleClassifier
from tune_mnist.inference.inputs import Input
from tune_mnist.inference.model import Classifier
from tune_mnist.training import MODEL_FILE, evaluation_batch_size, out_of_memory_reported


@dataclass(frozen=True)
class Reading:
    """Classification of one image.

    Attributes:
        path: Path of the file that contains the image.
        index: Number of the image in an IDX file, starting at 0. None for an image file.
        ink: Colour of the strokes in an image file, ``"dark"`` or ``"light"``. None if strokes and
            background were not separated.
        probabilities: Probability of each class, float32 (C,).
    """

    path: Path
    index: int | None
    ink: str | None
    probabilities: NDArray[np.float32]

    @property
    def predicted(self) -> int:
        """Most probable class."""
        return int(self.probabilities.argmax())


def read_digits(
    classifier: Classifier | EnsembleClassifier, inputs: Iterable[Input], device: torch.device
) -> Iterator[list[Reading]]:
    """Classify all images and yield the result of each image, batch by batch and in order.

    Args:
        classifier: Classifier, which must be on ``device`` already.
        inputs: Files of images to classify.
        device: Device that holds the classifier.

    Raises:
        UserError: The output of the network is not finite, because its weights are too large.
    """
    for given in inputs:
        first = 0
        for batch in classify_images(classifier, given.images, device):
            if not np.isfinite(batch).all():
                raise UserError(
                    f"{given.path}: the output of the network is not finite: the weights in"
                    f" {MODEL_FILE} are too large"
                )
            yield [
                Reading(given.path, None if given.is_picture else first + i, given.ink, row)
                for i, row in enumerate(batch)
            ]
            first += len(batch)


@torch.inference_mode()
def classify_images(
    classifier: Classifier | EnsembleClassifier, images: NDArray[np.uint8], device: torch.device
) -> Iterator[NDArray[np.float32]]:
    """Classify images and yield the class probabilities of each batch, float32 (B, C).

    Args:
        classifier: Classifier, which must be on ``device`` already.
        images: Images, uint8 (N, S, S) or (N, S, S, 3).
        device: Device that holds the classifier.
    """
    largest = max(classifier.size, images.shape[1])
    for batch in torch.split(to_tensor(images), evaluation_batch_size(largest)):
        with out_of_memory_reported(
            f"not enough memory on {device.type} to classify {len(batch)} images at"
            f" {classifier.size}x{classifier.size} pixels with this network"
        ):
            probabilities = classifier(batch.to(device)).cpu().numpy()
        yield probabilities
