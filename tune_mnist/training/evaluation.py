"""Evaluation of a network: loss, accuracy, recall by class and confusion matrix."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches
from tune_mnist.training.precision import Compute


@torch.inference_mode()
def mean_loss_and_accuracy(
    model: nn.Module, batches: Batches, compute: Compute
) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of a network on a set of images.

    Args:
        model: Network, which must be on the device. It is set to evaluation mode.
        batches: Images to classify and their labels.
        compute: Device that holds the network, and number format.
    """
    model.eval()
    loss_sum = torch.zeros((), device=compute.device)
    correct = torch.zeros((), device=compute.device, dtype=torch.int64)
    for images, labels in batches:
        with compute.autocast():
            logits = model(images)
            loss_sum += cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(1) == labels).sum()
    return loss_sum.item() / batches.num_images, correct.item() / batches.num_images


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a network on a set of images.

    Attributes:
        accuracy: Fraction of correctly classified images.
        recall: Recall of each class, float64 (C,): the fraction of its images that are classified
            correctly. NaN for a class without images.
        confusion: Number of images by true class (rows) and predicted class (columns),
            int64 (C, C).
        class_names: Name of each class.
    """

    accuracy: float
    recall: NDArray[np.float64]
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Classified:
    """Predictions of a network for a set of images, with the true classes.

    Attributes:
        truth: True classes, int64 (N,).
        predicted: Most probable classes, int64 (N,).
        probability: Probabilities of the predicted classes, float32 (N,). NaN if the output of
            the network is not finite.
    """

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]

    @classmethod
    def from_logits(cls, logits: Tensor, labels: Tensor) -> "Classified":
        """Create predictions from the outputs of a network by taking the most probable classes.

        Args:
            logits: Outputs of the network (N, C).
            labels: True classes, int64 (N,).
        """
        predicted = logits.argmax(1)
        probability = logits.softmax(1).gather(1, predicted[:, None])[:, 0]
        arrays = (tensor.cpu().numpy() for tensor in (labels, predicted, probability))
        return cls(*arrays)


def evaluate(
    model: nn.Module, batches: Batches, compute: Compute, class_names: tuple[str, ...]
) -> Evaluation:
    """Classify every image and compare the predictions with the labels.

    Args:
        model: Network, which must be on the device. It is set to evaluation mode.
        batches: Images to classify and their labels.
        compute: Device that holds the network, and number format.
        class_names: Name of each class.
    """
    return score(classify(model, batches, compute), class_names)


def score(classified: Classified, class_names: tuple[str, ...]) -> Evaluation:
    """Compute accuracy, recall and confusion matrix from predictions.

    Args:
        classified: Predicted and true classes of a set of images.
        class_names: Name of each class.
    """
    # Imported here because trials never call this, so their workers start without scikit-learn.
    from sklearn.metrics import confusion_matrix, recall_score

    truth, predicted = classified.truth, classified.predicted
    classes = np.arange(len(class_names))
    return Evaluation(
        accuracy=float((truth == predicted).mean()),
        recall=recall_score(truth, predicted, labels=classes, average=None, zero_division=np.nan),
        confusion=confusion_matrix(truth, predicted, labels=classes),
        class_names=class_names,
    )


def classify(model: nn.Module, batches: Batches, compute: Compute) -> Classified:
    """Classify every image, in the order of the batches.

    Args:
        model: Network, which must be on the device. It is set to evaluation mode.
        batches: Images to classify and their labels.
        compute: Device that holds the network, and number format.
    """
    return Classified.from_logits(*logits_and_labels(model, batches, compute))


@torch.inference_mode()
def logits_and_labels(
    model: nn.Module, batches: Batches, compute: Compute
) -> tuple[Tensor, Tensor]:
    """Return the outputs of a network, float32 (N, C), and the labels (N,), on the device.

    Args:
        model: Network, which must be on the device. It is set to evaluation mode.
        batches: Images to classify and their labels.
        compute: Device that holds the network, and number format.
    """
    model.eval()
    outputs, truth = [], []
    for images, labels in batches:
        with compute.autocast():
            outputs.append(model(images))
        truth.append(labels)
    return torch.cat(outputs).float(), torch.cat(truth)
