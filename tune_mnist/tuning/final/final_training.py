"""One run of the final evaluation, on its worker: trained to the end, then tested once."""

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
    classify,
    create_batches,
    describe_out_of_memory,
    is_out_of_memory,
    score,
)
from tune_mnist.tuning.final.misclassified import Misclassified
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.trials.trainable import TrialSettings

MAX_MISCLASSIFIED = 100


@dataclass(frozen=True)
class Succeeded:
    """What a run has come to.

    Attributes:
        evaluation: of the test set.
        misclassified: int64, indices of the test images that it takes for another class.
        misread: the test images it takes for another class, the surest mistakes first.
        train_seconds: sum of its epochs' wall time.
        complaints: a line for each checkpoint that could not be used.
    """

    evaluation: Evaluation
    misclassified: NDArray[np.int64]
    misread: Misclassified
    train_seconds: float
    complaints: list[str]


@dataclass(frozen=True)
class Failed:
    """Why a run has come to nothing.

    Attributes:
        reason: one line.
        disk_full: the run had no room for its checkpoint, and can go on once there is.
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
) -> Succeeded | Failed:
    """Train a configuration on all that may be trained on, then classify the test set.

    Goes on from the run's checkpoint if it has one. The last one is left to the driver, which
    takes the weights from it.

    Args:
        run: what to train.
        data: holds the images and labels; its own parts are of no concern here.
        train: indices of what to train on.
        test_images: uint8 (M, S, S) or (M, S, S, 3).
        test_labels: int64 (M,).
        settings: what all trials of the search have in common.
    """
    everything = replace(data, train=train, val=train[:0])
    try:
        return _train_and_test(run, everything, test_images, test_labels, settings)
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
) -> Succeeded:
    checkpoints = run.checkpoints(settings.store)
    compute = settings.compute()
    trainer, complaints = checkpoints.restore(lambda: Trainer(run.config, data, compute))
    while trainer.epoch < run.config.max_epochs:
        trainer.run_epoch()
        checkpoints.save(trainer)
    indices = np.arange(len(test_labels))
    batches = create_batches(run.config, test_images, test_labels, indices, compute)
    classified = classify(trainer.model, batches, compute)
    # Nothing was validated, so weights that exploded in the very last batch show only here.
    if not np.isfinite(classified.probability).all():
        raise DivergedError(f"diverged in its last epoch (lr {run.config.lr:.3g})")
    return Succeeded(
        evaluation=score(classified, data.class_names),
        misclassified=np.flatnonzero(classified.truth != classified.predicted),
        misread=select_misclassified(test_images, classified),
        train_seconds=trainer.metrics.train_seconds if trainer.metrics else 0.0,
        complaints=complaints,
    )


def select_misclassified(images: NDArray[np.uint8], classified: Classified) -> Misclassified:
    """Return the images that were taken for another class, at most 100, the surest first."""
    wrong = np.flatnonzero(classified.truth != classified.predicted)
    surest = np.argsort(-classified.probability[wrong], kind="stable")[:MAX_MISCLASSIFIED]
    chosen = wrong[surest]
    return Misclassified(
        images[chosen],
        classified.truth[chosen],
        classified.predicted[chosen],
        classified.probability[chosen],
    )
