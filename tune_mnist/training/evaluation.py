"""How well a trained network does: loss, accuracy, recall by class, confusion matrix."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches
from tune_mnist.training.precision import Compute


@torch.inference_mode()
def mean_loss_and_accuracy(
    model: nn.Module, batches: Batches, compute: Compute
) -> tuple[float, float]:
    """Return mean cross-entropy and share of images classified right."""
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
    """A network's result on a set of images.

    Attributes:
        accuracy: share classified right.
        recall: by class, share of its images classified right, float64 (C,); NaN for a class
            without images.
        confusion: int64 (C, C); row: true class, column: predicted class.
        class_names: Name of each class.
    """

    accuracy: float
    recall: NDArray[np.float64]
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Classified:
    """What a network takes each image of a set for.

    Attributes:
        truth: int64 (N,), the labels.
        predicted: int64 (N,), the likeliest class.
        probability: float32 (N,), of that class; NaN where the network's output is not finite.
    """

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]


def evaluate(
    model: nn.Module, batches: Batches, compute: Compute, class_names: tuple[str, ...]
) -> Evaluation:
    """Classify every image once and compare with the labels."""
    return score(classify(model, batches, compute), class_names)


def score(classified: Classified, class_names: tuple[str, ...]) -> Evaluation:
    """Compare what the images were taken for with the labels."""
    # Trials never come here, and their workers need not wait for scikit-learn.
    from sklearn.metrics import confusion_matrix, recall_score

    truth, predicted = classified.truth, classified.predicted
    classes = np.arange(len(class_names))
    return Evaluation(
        accuracy=float((truth == predicted).mean()),
        recall=recall_score(truth, predicted, labels=classes, average=None, zero_division=np.nan),
        confusion=confusion_matrix(truth, predicted, labels=classes),
        class_names=class_names,
    )


@torch.inference_mode()
def classify(model: nn.Module, batches: Batches, compute: Compute) -> Classified:
    """Classify every image once, in the order of the batches."""
    model.eval()
    truth, predicted, probability = [], [], []
    for images, labels in batches:
        with compute.autocast():
            logits = model(images)
        classes = logits.argmax(1)
        predicted.append(classes)
        probability.append(logits.float().softmax(1).gather(1, classes[:, None])[:, 0])
        truth.append(labels)
    return Classified(
        torch.cat(truth).cpu().numpy(),
        torch.cat(predicted).cpu().numpy(),
        torch.cat(probability).cpu().numpy(),
    )
