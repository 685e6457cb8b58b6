"""Callbacks that write the table of trials and keep the best model of each architecture."""

import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.files import write_text
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_record import TrialState, to_frame
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.spaces.stages import FIDELITY, STAGE
from tune_mnist.tuning.storage.candidate_models import CandidateModels, Rank
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints
from tune_mnist.tuning.storage.kept_models import (
    keep_model,
    kept_models,
    model_folder,
    read_config,
)
from tune_mnist.tuning.trials.reports import DIVERGED, METRIC, NUMBER, TIME_ATTR

TRIALS_FILE = "trials.csv"
WRITE_SECONDS = 1.0
WRITE_SHARE = 0.02
"""Maximum share of the search time spent on writing the table."""

_WORST: Rank = (0, -math.inf)


class Recorder(StatelessCallback):
    """Callback that updates the trial store and writes ``trials.csv``.

    Ray treats an exception raised while a trial is completed as a failure of the trial, and
    retries the trial. The table is therefore written only between two steps of Ray. If it cannot
    be written, the search ends.

    Args:
        csv_path: Path of ``trials.csv``.
        trial_store: Store of the trial records.
    """

    def __init__(self, csv_path: Path, trial_store: TrialStore) -> None:
        self._csv_path = csv_path
        self._trial_store = trial_store
        self._next_write = 0.0
        self._changed = False

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Mark the trial as running."""
        self._trial_store.record(trial.config[NUMBER]).state = TrialState.RUNNING

    def on_trial_save(self, trial: Trial, **info: Any) -> None:
        """Mark the trial as paused. Ray calls this only when a trial is paused."""
        self._trial_store.record(trial.config[NUMBER]).state = TrialState.PAUSED

    def on_trial_recover(self, trial: Trial, **info: Any) -> None:
        """Mark the trial as pending. Ray calls this after the worker of the trial has died."""
        self._trial_store.record(trial.config[NUMBER]).state = TrialState.PENDING

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Record the metrics of an epoch. Ray calls this before it notifies the searcher."""
        self._trial_store.add_epoch(trial.config[NUMBER], result)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Mark the table as out of date."""
        self._changed = True

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Record why a trial failed. Ray calls this when the trial will not be retried."""
        self._trial_store.fail(trial.config[NUMBER], _reason(trial))
        self._changed = True

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Write the table if it has changed and the last write was long enough ago.

        Raises:
            OSError: The table cannot be written.
        """
        # Writing thousands of trials takes long, and a killed search restores them from the study.
        if self._changed and time.monotonic() >= self._next_write:
            self.write()

    def finish(self) -> None:
        """Mark the trials that have not ended as interrupted."""
        for record in self._trial_store.records:
            if not record.state.ended:
                record.state = TrialState.INTERRUPTED

    def write(self) -> None:
        """Write the table atomically."""
        start = time.monotonic()
        write_text(self._csv_path, to_frame(self._trial_store.records).to_csv(index=False))
        end = time.monotonic()
        self._next_write = end + max(WRITE_SECONDS, (end - start) / WRITE_SHARE)
        self._changed = False


class BestModels(Callback):
    """Callback that keeps the weights of the best epoch of each architecture.

    The callback also removes the checkpoints of trials that have ended.

    Args:
        directory: Folder for the models. It contains one folder per architecture with the weights
            and ``config.json``. In a resumed search, a stored model is replaced only by a better
            one.
        describe: Function from the configuration of a trial to the content of ``config.json``.
        checkpoints_of: Function from the number of a trial to the checkpoints of the trial.
        candidates: Models from which an ensemble will be chosen. None if there is no final
            evaluation.
    """

    def __init__(
        self,
        directory: Path,
        describe: Callable[[dict[str, Any]], dict[str, Any]],
        checkpoints_of: Callable[[int], Checkpoints],
        candidates: CandidateModels | None = None,
    ) -> None:
        self._directory = directory
        self._candidates = candidates
        self._describe = describe
        self._checkpoints_of = checkpoints_of
        self._epochs: Counter[int] = Counter()
        self._best: dict[str, Rank] = {}
        for folder in kept_models(directory):
            best = read_config(folder)
            self._best[folder.name] = best.stage, best.val_accuracy

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Keep the weights of the reported epoch if it is one of the best of its architecture.

        Ray calls this after each report. The trial waits until the report has been processed, so
        that the checkpoint cannot change while it is copied.
        """
        model, accuracy = trial.config["model"], result.get(METRIC, math.nan)
        rank = (int(result.get(STAGE, 0)), float(accuracy))
        number, epoch = trial.config[NUMBER], result.get(TIME_ATTR, 0)
        # A trial that lost its checkpoint repeats epochs; only the first report of each counts.
        again = epoch < self._epochs[number]
        self._epochs[number] = max(epoch, self._epochs[number])
        if result.get(DIVERGED) and self._candidates is not None:
            self._candidates.discard(number)
        if again or math.isnan(accuracy):
            return
        config = {
            **self._describe(trial.config),
            "trial": number,
            TIME_ATTR: epoch,
            METRIC: accuracy,
            # Image size of the stage, for which the network was built.
            **{key: result[key] for key in FIDELITY if key in result},
        }
        checkpoints = self._checkpoints_of(number)
        if rank > self._best.get(model, _WORST):
            keep_model(model_folder(self._directory, model), checkpoints, epoch, config)
            self._best[model] = rank
        if self._candidates is not None:
            size = int(result.get("parameters", 0))
            self._candidates.offer(rank, size, checkpoints, epoch, config)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Remove the checkpoints of a trial. Ray calls this when the trial has ended."""
        self._checkpoints_of(trial.config[NUMBER]).remove()

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Remove checkpoints and kept weights of a trial. Ray calls this when it has failed."""
        if self._candidates is not None:
            self._candidates.discard(trial.config[NUMBER])
        self._checkpoints_of(trial.config[NUMBER]).remove()


def _reason(trial: Trial) -> str:
    """Return the reason of a trial's failure as a one-line message."""
    text = Path(trial.error_file).read_text(encoding="utf-8") if trial.error_file else ""
    text = text.rpartition("Failure # ")[2]  # the file holds all failures, the last one at its end
    if "running low on memory" in text:
        return f"out of memory with batch_size {trial.config.get('batch_size', 'of default')}"
    if "The actor died" in text or "The actor is dead" in text:
        return f"its worker died {trial.num_failures} times"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "its worker died"
