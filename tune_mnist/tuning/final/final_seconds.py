"""Expected speed and time of final runs, from the speeds of their trials."""

import statistics
from collections.abc import Mapping, Sequence

from tune_mnist.models import get_architecture
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.planning.estimate import START_SECONDS, time_on_workers
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.recording.trial_record import EPOCH_SECONDS, TrialRecord
from tune_mnist.tuning.trials.trainable import TrialSettings

MIN_FORWARD_RATIO = 2.0
"""Number of images that any network classifies at least in the time of training on one image.

The backward pass takes at least as long as the forward pass.
"""

MAX_FORWARD_RATIO = 8.0
"""Largest such number that is believed, since the time of a short validation is uncertain."""


def final_speeds(records: Sequence[TrialRecord], context: SearchContext) -> dict[int, Speed]:
    """Return the expected speeds of final runs, by trial number.

    The speed of a trial that did not reach the last stage is scaled down, because a final run
    trains on larger images.

    Args:
        records: Records of all trials. Trials without a finished epoch are left out.
        context: Context of the search.
    """
    trained = [record for record in records if record.last]
    ratios = _forward_ratios(trained, context)
    speeds = {}
    for record in trained:
        train = record.last["images_per_second"] * _scale(record, context.settings)
        ratio = ratios.get(record.config["model"], MIN_FORWARD_RATIO)
        speeds[record.number] = Speed(train, train * ratio)
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


def _forward_ratios(records: Sequence[TrialRecord], context: SearchContext) -> dict[str, float]:
    """Return how many images each network classifies in the time of training on one image.

    Computed from the wall time of validation in the last epoch of each trial: the median over the
    trials of an architecture. In a search with stages, the number of images differs between
    epochs, so no ratio is returned.
    """
    if context.settings.fidelity is not None:
        return {}
    found: dict[str, list[float]] = {}
    for record in records:
        training = context.train_images / record.last["images_per_second"]
        validating = record.last.get(EPOCH_SECONDS, 0.0) - training
        if validating > 0:
            ratio = context.val_images / validating / record.last["images_per_second"]
            found.setdefault(record.config["model"], []).append(ratio)
    return {
        model: min(max(statistics.median(ratios), MIN_FORWARD_RATIO), MAX_FORWARD_RATIO)
        for model, ratios in found.items()
    }


def _scale(record: TrialRecord, settings: TrialSettings) -> float:
    fidelity = settings.fidelity
    if fidelity is None or not record.stage:
        return 1.0
    architecture = get_architecture(record.config["model"])
    size = fidelity.stages[record.stage - 1].image_size
    full = architecture.input_size(settings.image_size)
    return (architecture.input_size(size) / full) ** 2
