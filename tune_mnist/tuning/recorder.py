"""Callbacks that keep what the search finds: a record of each trial, and the best models."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune import Callback, Checkpoint
from ray.tune.experiment import Trial

from tune_mnist.files import write_text
from tune_mnist.training import MODEL_FILE
from tune_mnist.tuning.records import TrialRecord, TrialState, to_frame

CONFIG_FILE = "config.json"


class Recorder(Callback):
    """Keeps a record of each trial, and ``trials.csv`` up to date with the ended ones.

    Args:
        csv_path: where to write the table.
        pruned: tells whether the scheduler stopped the trial of that id early.
        max_epochs: epochs of a trial that was not stopped.
    """

    def __init__(self, csv_path: Path, pruned: Callable[[str], bool], max_epochs: int) -> None:
        self._csv_path = csv_path
        self._pruned = pruned
        self._max_epochs = max_epochs
        self._by_id: dict[str, TrialRecord] = {}

    @property
    def records(self) -> list[TrialRecord]:
        """The records in the order in which their trials started."""
        return list(self._by_id.values())

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Note that the trial runs."""
        self._record(trial).state = TrialState.RUNNING

    def on_trial_result(
        self,
        trial: Trial,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """Take in an epoch's metrics."""
        self._record(trial).add_epoch(result)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Note how the trial ended."""
        record = self._record(trial)
        if record.epochs >= self._max_epochs:
            record.state = TrialState.COMPLETE
        elif self._pruned(trial.trial_id):
            record.state = TrialState.PRUNED
        else:
            record.state = TrialState.INTERRUPTED
        self.write()

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Note why the trial failed."""
        record = self._record(trial)
        record.reason = _reason(trial)
        diverged = record.reason.startswith("diverged")
        record.state = TrialState.DIVERGED if diverged else TrialState.FAILED
        self.write()

    def finish(self) -> None:
        """Mark what had not ended when the search did, and write the table once more."""
        for record in self.records:
            if not record.state.ended:
                record.state = TrialState.INTERRUPTED
        self.write()

    def write(self) -> None:
        """Write the table, whole or not at all."""
        write_text(self._csv_path, to_frame(self.records).to_csv(index=False))

    def _record(self, trial: Trial) -> TrialRecord:
        if trial.trial_id not in self._by_id:
            self._by_id[trial.trial_id] = TrialRecord(
                number=len(self._by_id) + 1, trial_id=trial.trial_id, config=dict(trial.config)
            )
        return self._by_id[trial.trial_id]


class BestModels(Callback):
    """Keeps the weights of the best epoch of each architecture, and no others.

    Args:
        directory: gets a folder an architecture, with the weights and ``config.json``.
        describe: gives the whole configuration of a trial, to be written beside the weights.
    """

    def __init__(self, directory: Path, describe: Callable[[dict[str, Any]], dict[str, Any]]):
        self._directory = directory
        self._describe = describe
        self._best: dict[str, float] = {}

    def on_checkpoint(
        self,
        trial: Trial,
        checkpoint: Checkpoint,
        **info: Any,
    ) -> None:
        """Keep the checkpoint's weights if none of the architecture did better."""
        metrics = trial.last_result  # Ray calls this before it files the checkpoint
        model, accuracy = trial.config["model"], metrics["val_accuracy"]
        if accuracy <= self._best.get(model, -math.inf):
            return
        self._best[model] = accuracy
        target = self._directory / model
        target.mkdir(parents=True, exist_ok=True)
        partial = target / f".{MODEL_FILE}.part"
        shutil.copyfile(Path(checkpoint.path) / MODEL_FILE, partial)
        partial.replace(target / MODEL_FILE)
        config = {
            **self._describe(trial.config),
            "trial_id": trial.trial_id,
            "epoch": metrics["epoch"],
            "val_accuracy": accuracy,
        }
        write_text(target / CONFIG_FILE, json.dumps(config, indent=2) + "\n")

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Drop the checkpoint of a trial that will not go on."""
        _drop_checkpoint(trial)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Drop the checkpoint of a trial that will not go on."""
        _drop_checkpoint(trial)


def _drop_checkpoint(trial: Trial) -> None:
    if trial.checkpoint is not None:
        shutil.rmtree(trial.checkpoint.path, ignore_errors=True)


def _reason(trial: Trial) -> str:
    """Return the last line of a trial's error: the exception's own words."""
    text = Path(trial.error_file).read_text(encoding="utf-8") if trial.error_file else ""
    lines = [line.strip() for line in text.splitlines()]
    last = next((line for line in reversed(lines) if line), "the worker died")
    return last.split("DivergedError: ")[-1]
