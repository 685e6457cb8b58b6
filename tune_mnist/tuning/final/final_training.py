"""Training and test of a final run on a worker."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data import DataSplit
from tune_mnist.files import means_no_room
from tune_mnist.training import (
    Classified,
    DivergedError,
    Evaluation,
    Trainer,
    create_batches,
    describe_out_of_memory,
    expected_calibration_error,
    is_out_of_memory,
    logits_and_labels,
    probabilities,
    score,
)
from tune_mnist.tuning.final.misclassified import Misclassified
from tune_mnist.tuning.final.runs import Calibration
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.trials.trainable import TrialSettings

MAX_MISCLASSIFIED = 100


@dataclass(frozen=True)
class Succeeded:
    """Result of a final run that ended without an error.

    Attributes:
        evaluation: Evaluation on the test images.
        misclassified: Indices of all misclassified test images, int64, ascending.
        confident_errors: The misclassified test images whose predictions have the highest
            probabilities.
        train_seconds: Sum of the epochs' wall time in seconds.
        calibration: Calibration on the test images.
        complaints: One-line message for each checkpoint that could not be restored.
    """

    evaluation: Evaluation
    misclassified: NDArray[np.int64]
    confident_errors: Misclassified
    train_seconds: float
    calibration: Calibration
    complaints: list[str]


@dataclass(frozen=True)
class Failed:
    """Failure of a final run.

    Attributes:
        reason: Reason of the failure as a one-line message.
        disk_full: Whether the disk was full, in which case a resumed search can continue the run.
    """

    reason: str
    disk_full: bool = False


def train_and_test(
    run: PlannedRun,
    data: DataSplit,
    train: NDArray[np.int64],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
    settings: TrialSettings,
    temperature: float | None = None,
) -> Succeeded | Failed:
    """Train a configuration on the training and validation splits, then classify the test images.

    The training resumes from the newest checkpoint of the run, if there is one. The last
    checkpoint is kept, so that the driver can copy its weights.

    Args:
        run: Configuration, seed and number of epochs of the run.
        data: Images and labels. Its training and validation indices are ignored.
        train: Indices of the images to train on.
        test_images: Test images, uint8 of shape (M, S, S) or (M, S, S, 3).
        test_labels: Test labels, int64 of shape (M,).
        settings: Settings shared by all trials.
        temperature: Temperature fitted for the configuration on validation images, or None.

    Returns:
        Result of the run, or its failure if training diverged, memory ran out or the disk is full.
    """
    everything = replace(data, train=train, val=train[:0])
    try:
        return _train_and_test(run, everything, test_images, test_labels, settings, temperature)
    except DivergedError as error:
        return Failed(str(error))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return Failed(describe_out_of_memory(error, run.config.batch_size))
    except OSError as error:
        if not means_no_room(error):
            raise
        return Failed(f"{settings.store}: {error.strerror}", disk_full=True)


def _train_and_test(
    run: PlannedRun,
    data: DataSplit,
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
    settings: TrialSettings,
    temperature: float | None,
) -> Succeeded:
    checkpoints = run.checkpoints(settings.store)
    compute = settings.compute()
    trainer, complaints = checkpoints.restore(lambda: Trainer(run.config, data, compute))
    while trainer.epoch < run.config.max_epochs:
        trainer.run_epoch()
        checkpoints.save(trainer)
    indices = np.arange(len(test_labels))
    batches = create_batches(run.config, test_images, test_labels, indices, compute)
    logits, labels = logits_and_labels(trainer.model, batches, compute)
    classified = Classified.from_logits(logits, labels)
    # Final runs have no validation, so weights that diverge in the last batch show only here.
    if not np.isfinite(classified.probability).all():
        raise DivergedError(f"diverged in its last epoch (lr {run.config.lr:.3g})")
    return Succeeded(
        evaluation=score(classified, data.class_names),
        misclassified=np.flatnonzero(classified.truth != classified.predicted),
        confident_errors=select_misclassified(test_images, classified),
        train_seconds=trainer.metrics.train_seconds if trainer.metrics else 0.0,
        calibration=_calibration(logits.cpu().numpy(), test_labels, temperature),
        complaints=complaints,
    )


def _calibration(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float | None
) -> Calibration:
    error = expected_calibration_error(probabilities(logits), labels)
    if temperature is None:
        return Calibration(error)
    scaled = expected_calibration_error(probabilities(logits, temperature), labels)
    return Calibration(error, temperature, scaled)


def select_misclassified(images: NDArray[np.uint8], classified: Classified) -> Misclassified:
    """Return the misclassified images with the most confident predictions, at most 100.

    The images are ordered by the probability of the predicted class, highest first.

    Args:
        images: Test images, uint8 of shape (M, S, S) or (M, S, S, 3).
        classified: Predictions for the test images.
    """
    wrong = np.flatnonzero(classified.truth != classified.predicted)
    surest = np.argsort(-classified.probability[wrong], kind="stable")[:MAX_MISCLASSIFIED]
    chosen = wrong[surest]
    return Misclassified(
        images[chosen],
        classified.truth[chosen],
        classified.predicted[chosen],
        classified.probability[chosen],
    )
