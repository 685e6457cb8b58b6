"""The trials as TensorBoard shows them: curves, and hyperparameters beside what came of them."""

from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from tune_mnist.tuning.labels import label
from tune_mnist.tuning.ledger import Ledger
from tune_mnist.tuning.records import LAST_METRICS
from tune_mnist.tuning.reports import METRIC, NUMBER, TIME_ATTR

TENSORBOARD_FOLDER = "tensorboard"
BEST = f"best/{METRIC}"


class TensorBoardLog(Callback):
    """Writes a folder a trial, open while the trial runs and no longer: paused ones are many.

    A trial that goes on gets another file, whose first event has TensorBoard forget what an
    earlier one holds from that epoch on: a search that was killed repeats its last epoch.

    Args:
        directory: gets the folders.
        ledger: the record of each trial.
    """

    def __init__(self, directory: Path, ledger: Ledger) -> None:
        self._directory = directory
        self._ledger = ledger
        self._writers: dict[int, SummaryWriter] = {}
        self._epochs: dict[int, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; an open file stays behind.
        return {}

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Write an epoch, unless it is known or no epoch."""
        number, epoch = trial.config[NUMBER], result.get(TIME_ATTR, 0)
        if METRIC not in result or epoch <= self._epochs.get(number, 0):
            return
        self._epochs[number] = epoch
        writer = self._writer(trial, epoch)
        for key in (METRIC, *LAST_METRICS):
            writer.add_scalar(key, result[key], epoch)
        writer.flush()

    def on_trial_save(self, trial: Trial, **info: Any) -> None:
        """Close the file of a trial that is paused."""
        self._close(trial)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Write hyperparameters and best accuracy of a trial that has ended."""
        record = self._ledger.record(trial.config[NUMBER])
        if record.best_epoch:
            config = record.config_of(record.best_epoch)
            writer = self._writer(trial, record.epochs + 1)
            for summary in hparams(config, {BEST: record.val_accuracy}):
                writer.file_writer.add_summary(summary)
            writer.add_scalar(BEST, record.val_accuracy, record.epochs)
        self._close(trial)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Close the file of a trial that has failed."""
        self._close(trial)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, trial: Trial, epoch: int) -> SummaryWriter:
        """Return the trial's open file; a new one takes the place of all from that epoch on."""
        number = trial.config[NUMBER]
        if number not in self._writers:
            # As it was sampled: pbt changes a trial's configuration, not its folder.
            name = label({NUMBER: number, **self._ledger.record(number).config})
            # No shell should stumble over it.
            folder = self._directory / name.replace("#", "").replace(" ", "-")
            self._writers[number] = SummaryWriter(str(folder), purge_step=epoch)
        return self._writers[number]

    def _close(self, trial: Trial) -> None:
        writer = self._writers.pop(trial.config[NUMBER], None)
        if writer is not None:
            writer.close()
