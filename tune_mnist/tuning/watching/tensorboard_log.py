"""Event files for TensorBoard: learning curves, and hyperparameters with the best accuracy."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from rich.console import Console
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import hparams, scalar

from tune_mnist.console import print_line
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_record import LAST_METRICS
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

TENSORBOARD_FOLDER = "tensorboard"
BEST_TAG = f"best/{METRIC}"
FLUSH_SECONDS = 5.0


class TensorBoardLog(StatelessCallback):
    """Callback that writes event files for TensorBoard, in one folder per trial.

    A file is open only while the trial is running, because a search may have many paused trials. A
    trial that continues gets a new file. Because a resumed search may repeat epochs, the first
    event of a new file makes TensorBoard drop these epochs from earlier files.

    If a file cannot be written, the search prints a message and continues without TensorBoard. If
    the callback raised the error, Ray would mark the trial as failed, even if it had ended.

    Args:
        directory: Folder that contains the folders of the trials.
        trial_store: Store of the trial records.
        console: Console for the error message.
    """

    def __init__(self, directory: Path, trial_store: TrialStore, console: Console) -> None:
        self._directory = directory
        self._trial_store = trial_store
        self._console = console
        self._failed = False
        self._files: dict[int, EventsWriter] = {}
        self._epochs: dict[int, int] = {}
        self._next_flush = 0.0

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Write the metrics of an epoch, unless it was written before."""
        number, epoch = trial.config[NUMBER], result.get(TIME_ATTR, 0)
        if METRIC not in result or epoch <= self._epochs.get(number, 0):
            return
        self._epochs[number] = epoch
        self._write(number, epoch, *(scalar(key, result[key]) for key in (METRIC, *LAST_METRICS)))

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Flush all files, at most every FLUSH_SECONDS because a flush waits for the disk."""
        if time.monotonic() < self._next_flush:
            return
        with self._ending_log_on_error():
            for file in self._files.values():
                file.flush()
        self._next_flush = time.monotonic() + FLUSH_SECONDS

    def on_trial_save(self, trial: Trial, **info: Any) -> None:
        """Close the file of a paused trial."""
        self._close(trial.config[NUMBER])

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Write the hyperparameters and the best accuracy of an ended trial."""
        record = self._trial_store.record(trial.config[NUMBER])
        if record.best_epoch:
            best = record.val_accuracy
            summaries = hparams(record.config_of(record.best_epoch), {BEST_TAG: best})
            # The step is after the last epoch, so that TensorBoard does not drop an epoch.
            self._write(record.number, record.epochs + 1, *summaries, scalar(BEST_TAG, best))
        self._close(record.number)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Close the file of a failed trial."""
        self._close(trial.config[NUMBER])

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Close all files."""
        for number in list(self._files):
            self._close(number)

    @contextmanager
    def _ending_log_on_error(self) -> Iterator[None]:
        """Report an OSError and stop logging, instead of raising the error."""
        try:
            yield
        except OSError as error:
            self._failed = True
            print_line(
                self._console,
                f"TensorBoard: {self._directory}: {error.strerror}: the search continues without"
                " TensorBoard",
            )
            while self._files:
                with suppress(OSError):
                    self._files.popitem()[1].close()

    def _write(self, number: int, step: int, *summaries: Any) -> None:
        if self._failed:
            return
        with self._ending_log_on_error():
            if number not in self._files:
                self._files[number] = self._open(number)
                restart = Event(step=step, session_log=SessionLog(status=SessionLog.START))
                self._files[number].write_event(restart)
            for summary in summaries:
                event = Event(wall_time=time.time(), step=step, summary=summary)
                self._files[number].write_event(event)

    def _open(self, number: int) -> EventsWriter:
        # Named after the initial configuration, because pbt changes the configuration of a trial.
        name = label({NUMBER: number, **self._trial_store.record(number).config})
        # Replace characters that are special in shells or separate folders.
        folder = path_in(self._directory, re.sub(r"[^\w.=+-]", "-", name.removeprefix("#")))
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names; the default names
        # differ only from second to second.
        suffix = f".{time.time_ns()}"
        return EventsWriter(str(folder / "events"), suffix)

    def _close(self, number: int) -> None:
        file = self._files.pop(number, None)
        if file is not None:
            with self._ending_log_on_error():
                file.close()
