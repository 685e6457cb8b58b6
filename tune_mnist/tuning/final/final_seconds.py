"""Expected speed and time of final runs, from the speeds of their trials."""

from collections.abc import Mapping, Sequence

from tune_mnist.models import get_architecture
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.planning.estimate import START_SECONDS, time_on_workers
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.trials.trainable import TrialSettings


def final_speeds(records: Sequence[TrialRecord], settings: TrialSettings) -> dict[int, float]:
    """Return the expected training speed of final runs in images per second, by trial number.

    The speed of a trial that did not reach the last stage is scaled down, because a final run
    trains on larger images.

    Args:
        records: Records of all trials. Trials without a finished epoch are left out.
        settings: Settings shared by all trials.
    """
    return {
        record.number: record.last["images_per_second"] * _scale(record, settings)
        for record in records
        if record.last
    }


def seconds_of_runs(
    todo: Sequence[PlannedRun],
    speeds: Mapping[int, float],
    settings: TrialSettings,
    concurrent: int,
) -> float:
    """Return the expected wall time of final runs in seconds. Trained epochs are left out.

    Args:
        todo: Planned runs that have not finished.
        speeds: Training speeds, as returned by ``final_speeds``.
        settings: Settings shared by all trials.
        concurrent: Number of workers.
    """
    seconds = [
        (run.config.max_epochs - run.checkpoints(settings.store).newest_epoch())
        * run.train_images
        / speeds[run.trial]
        + START_SECONDS
        for run in todo
    ]
    return time_on_workers(seconds, concurrent)


def _scale(record: TrialRecord, settings: TrialSettings) -> float:
    fidelity = settings.fidelity
    if fidelity is None or not record.stage:
        return 1.0
    architecture = get_architecture(record.config["model"])
    size = fidelity.stages[record.stage - 1].image_size
    full = architecture.input_size(settings.image_size)
    return (architecture.input_size(size) / full) ** 2
