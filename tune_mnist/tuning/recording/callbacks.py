"""Callbacks that keep what the search finds: the table of trials, and the best models."""

import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.files import write_text
from tune_mnist.tuning.recording.trial_record import TrialState, to_frame
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.spaces.stages import FIDELITY, STAGE
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints
from tune_mnist.tuning.storage.kept_models import (
    keep_model,
    kept_models,
    model_folder,
    read_config,
)
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

TRIALS_FILE = "trials.csv"
WRITE_SECONDS = 1.0
WRITE_SHARE = 0.02
"""Of the time that may go into writing the table."""

_WORST = (0, -math.inf)


class Recorder(Callback):
    """Tells the trial store what Ray tells no searcher, and keeps ``trials.csv`` up to date.

    A table that cannot be written ends the search, and that only between two steps of Ray's: what
    is raised while it ends a trial, Ray takes for a failure of the trial, and runs it once more.

    Args:
        csv_path: where to write the table.
        trial_store: the record of each trial.
    """

    def __init__(self, csv_path: Path, trial_store: TrialStore) -> None:
        self._csv_path = csv_path
        self._ledger = trial_store
        self._next_write = 0.0
        self._changed = False

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; the study is all we need.
        return {}

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Note that the trial runs."""
        self._ledger.record(trial.config[NUMBER]).state = TrialState.RUNNING

    def on_trial_save(self, trial: Trial, **info: Any) -> None:
        """Note that the trial is paused: for nothing else does Ray ask it to save."""
        self._ledger.record(trial.config[NUMBER]).state = TrialState.PAUSED

    def on_trial_recover(self, trial: Trial, **info: Any) -> None:
        """Note that the trial waits for a new worker, its old one having died."""
        self._ledger.record(trial.config[NUMBER]).state = TrialState.PENDING

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Take in an epoch; of the last one the searcher has not heard yet."""
        self._ledger.add_epoch(trial.config[NUMBER], result)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Note that there is something to write."""
        self._changed = True

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Note why the trial failed."""
        self._ledger.fail(trial.config[NUMBER], _reason(trial))
        self._changed = True

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Write the table now and then, if a trial has ended since.

        Raises:
            OSError: it cannot be written.
        """
        # A table of thousands of trials takes a while, and the study has it all anyway.
        if self._changed and time.monotonic() >= self._next_write:
            self.write()

    def finish(self) -> None:
        """Mark what had not ended when the search did."""
        for record in self._ledger.records:
            if not record.state.ended:
                record.state = TrialState.INTERRUPTED

    def write(self) -> None:
        """Write the table, whole or not at all."""
        start = time.monotonic()
        write_text(self._csv_path, to_frame(self._ledger.records).to_csv(index=False))
        end = time.monotonic()
        self._next_write = end + max(WRITE_SECONDS, (end - start) / WRITE_SHARE)
        self._changed = False


class BestModels(Callback):
    """Keeps the weights of the best epoch of each architecture, and drops what is not needed.

    Args:
        directory: gets a folder an architecture, with the weights and ``config.json``; what an
            earlier run of the search has left there counts.
        describe: gives the whole configuration of a trial, to be written beside the weights.
        checkpoints_of: gives the checkpoints of the trial of that number.
    """

    def __init__(
        self,
        directory: Path,
        describe: Callable[[dict[str, Any]], dict[str, Any]],
        checkpoints_of: Callable[[int], Checkpoints],
    ) -> None:
        self._directory = directory
        self._describe = describe
        self._checkpoints_of = checkpoints_of
        self._epochs: Counter[int] = Counter()
        self._best: dict[str, tuple[int, float]] = {}
        for folder in kept_models(directory):
            best = read_config(folder)
            self._best[folder.name] = best.stage, best.val_accuracy

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Keep the epoch's weights if none of the architecture did better.

        The trial waits for the driver to take the report in, so its checkpoint lies still.
        """
        model, accuracy = trial.config["model"], result.get(METRIC, math.nan)
        rank = _rank({METRIC: accuracy} | result)
        number, epoch = trial.config[NUMBER], result.get(TIME_ATTR, 0)
        # An epoch trained again, its checkpoint having gone, is no news to the study either.
        again = epoch < self._epochs[number]
        self._epochs[number] = max(epoch, self._epochs[number])
        if again or math.isnan(accuracy) or not rank > self._best.get(model, _WORST):
            return
        config = {
            **self._describe(trial.config),
            "trial": number,
            TIME_ATTR: epoch,
            METRIC: accuracy,
            # In a search with stages: those images are what the weights were made for.
            **{key: result[key] for key in FIDELITY if key in result},
        }
        folder = model_folder(self._directory, model)
        keep_model(folder, self._checkpoints_of(number), epoch, config)
        self._best[model] = rank

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Drop the checkpoint of a trial that will not go on."""
        self._checkpoints_of(trial.config[NUMBER]).remove()

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Drop the checkpoint of a trial that will not go on."""
        self._checkpoints_of(trial.config[NUMBER]).remove()


def _rank(epoch: dict[str, Any]) -> tuple[int, float]:
    """Return what an epoch is compared by: a later stage is better than any earlier one."""
    return int(epoch.get(STAGE, 0)), float(epoch[METRIC])


def _reason(trial: Trial) -> str:
    """Return why the trial failed, in one line."""
    text = Path(trial.error_file).read_text(encoding="utf-8") if trial.error_file else ""
    text = text.rpartition("Failure # ")[2]  # each failure is appended to those before it
    if "running low on memory" in text:
        return f"out of memory with batch_size {trial.config.get('batch_size', 'of default')}"
    if "The actor died" in text or "The actor is dead" in text:
        return f"its worker died {trial.num_failures} times"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "its worker died"
