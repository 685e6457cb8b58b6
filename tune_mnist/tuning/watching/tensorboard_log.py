"""The trials as TensorBoard shows them: curves, and hyperparameters beside what came of them."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from rich.console import Console
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import hparams, scalar

from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.recording.trial_record import LAST_METRICS
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

TENSORBOARD_FOLDER = "tensorboard"
BEST = f"best/{METRIC}"
FLUSH_SECONDS = 5.0


class TensorBoardLog(Callback):
    """Writes a folder a trial, open while the trial runs and no longer: paused ones are many.

    A trial that goes on gets another file, whose first event has TensorBoard forget what an
    earlier one holds from that epoch on: a search that was killed repeats its last epoch.

    If a file cannot be written, a line says so, and the search goes on without: Ray would take
    what is raised here for a failure of the trial, and run one that has ended once more.

    Args:
        directory: gets the folders.
        trial_store: the record of each trial.
        console: where a failure is told.
    """

    def __init__(self, directory: Path, trial_store: TrialStore, console: Console) -> None:
        self._directory = directory
        self._ledger = trial_store
        self._console = console
        self._failed = False
        self._files: dict[int, EventsWriter] = {}
        self._epochs: dict[int, int] = {}
        self._next_flush = 0.0

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; an open file stays behind.
        return {}

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Write an epoch, unless it is known or no epoch."""
        number, epoch = trial.config[NUMBER], result.get(TIME_ATTR, 0)
        if METRIC not in result or epoch <= self._epochs.get(number, 0):
            return
        self._epochs[number] = epoch
        self._write(number, epoch, *(scalar(key, result[key]) for key in (METRIC, *LAST_METRICS)))

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Let TensorBoard see it, now and then: each file waits for the disk."""
        if time.monotonic() < self._next_flush:
            return
        with self._told():
            for file in self._files.values():
                file.flush()
        self._next_flush = time.monotonic() + FLUSH_SECONDS

    def on_trial_save(self, trial: Trial, **info: Any) -> None:
        """Close the file of a trial that is paused."""
        self._close(trial.config[NUMBER])

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Write hyperparameters and best accuracy of a trial that has ended."""
        record = self._ledger.record(trial.config[NUMBER])
        if record.best_epoch:
            best = record.val_accuracy
            summaries = hparams(record.config_of(record.best_epoch), {BEST: best})
            # A step that no epoch has, so that nothing is forgotten for it.
            self._write(record.number, record.epochs + 1, *summaries, scalar(BEST, best))
        self._close(record.number)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Close the file of a trial that has failed."""
        self._close(trial.config[NUMBER])

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Close all files."""
        for number in list(self._files):
            self._close(number)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Let a failure end the log, not what goes on around it."""
        try:
            yield
        except OSError as error:
            self._failed = True
            self._console.print(
                f"TensorBoard: {self._directory}: {error.strerror}: the search goes on without it",
                markup=False,
                soft_wrap=True,
            )
            while self._files:
                with suppress(OSError):
                    self._files.popitem()[1].close()

    def _write(self, number: int, step: int, *summaries: Any) -> None:
        if self._failed:
            return
        with self._told():
            if number not in self._files:
                self._files[number] = self._open(number)
                forget = Event(step=step, session_log=SessionLog(status=SessionLog.START))
                self._files[number].write_event(forget)
            for summary in summaries:
                event = Event(wall_time=time.time(), step=step, summary=summary)
                self._files[number].write_event(event)

    def _open(self, number: int) -> EventsWriter:
        # As it was sampled: pbt changes a trial's configuration, not its folder.
        name = label({NUMBER: number, **self._ledger.record(number).config})
        # Only what shells like, and what cannot lead out of the folder.
        folder = path_in(self._directory, re.sub(r"[^\w.=+-]", "-", name.removeprefix("#")))
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder by their names, which have the second in them.
        suffix = f".{time.time_ns()}"
        return EventsWriter(str(folder / "events"), suffix)

    def _close(self, number: int) -> None:
        file = self._files.pop(number, None)
        if file is not None:
            with self._told():
                file.close()
