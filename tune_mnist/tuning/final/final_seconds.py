"""Expected speed and time of final runs, from the speeds of their trials."""

from collections.abc import Mapping, Sequence

from tune_mnist.models import get_architecture
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.planning.estimate import START_SECONDS, time_on_workers
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.trials.trainable import TrialSettings

MIN_FORWARD_SPEED, MAX_FORWARD_SPEED = 2.0, 8.0
"""Number of images that a network classifies in the time of training on one image."""


def final_speeds(records: Sequence[TrialRecord], context: SearchContext) -> dict[int, Speed]:
    """Return the expected speeds of final runs, by trial number.

    The speed of a trial that did not reach the last stage is scaled down, because a final run
    trains on larger images.

    Args:
        records: Records of all trials. Trials without a finished epoch are left out.
        context: Context of the search.
    """
    speeds = {}
    for record in records:
        if record.last:
            train = record.last["images_per_second"] * _scale(record, context.settings)
            speeds[record.number] = Speed(train, train * _forward_speed(record, context))
    return speeds


def seconds_of_runs(
    todo: Sequence[PlannedRun],
    speeds: Mapping[int, Speed],
    settings: TrialSettings,
    concurrent: int,
) -> float:
    """Return the expected wall time of final runs in seconds. Trained epochs are left out.

    Args:
        todo: Planned runs that have not finished.
        speeds: Speeds, as returned by ``final_speeds``.
        settings: Settings shared by all trials.
        concurrent: Number of workers.
    """
    seconds = [
        (run.config.max_epochs - run.checkpoints(settings.store).newest_epoch())
        * run.train_images
        / speeds[run.trial].train
        + START_SECONDS
        for run in todo
    ]
    return time_on_workers(seconds, concurrent)


def _forward_speed(record: TrialRecord, context: SearchContext) -> float:
    """Return how many images a network classifies in the time of training on one image.

    It follows from the time that the epochs of a trial took beside the training. In a search with
    stages, the number of images differs between epochs, so the minimum is returned.
    """
    if context.settings.fidelity is not None or not record.epochs:
        return MIN_FORWARD_SPEED
    training = context.train_images / record.last["images_per_second"]
    validating = record.train_seconds / record.epochs - training
    forward = context.val_images / max(validating, training / 1e6)
    ratio = forward / record.last["images_per_second"]
    return min(max(ratio, MIN_FORWARD_SPEED), MAX_FORWARD_SPEED)


def _scale(record: TrialRecord, settings: TrialSettings) -> float:
    fidelity = settings.fidelity
    if fidelity is None or not record.stage:
        return 1.0
    architecture = get_architecture(record.config["model"])
    size = fidelity.stages[record.stage - 1].image_size
    full = architecture.input_size(settings.image_size)
    return (architecture.input_size(size) / full) ** 2
