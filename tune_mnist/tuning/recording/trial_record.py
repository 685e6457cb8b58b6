"""Records of trials: state, metrics and ranking."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import optuna
import pandas as pd

from tune_mnist.training import CONFIG_COLUMNS, ordered_keys
from tune_mnist.tuning.recording.trial_attributes import EXPLOITS
from tune_mnist.tuning.spaces.stages import FIDELITY, STAGE
from tune_mnist.tuning.trials.reports import METRIC, TIME_ATTR

WARM_START_NAME = "warm_start"
"""User attribute that names the search from which a trial was imported."""

RAY_FOLDER = "ray"
"""Subfolder of the results folder with Ray's own files, in a folder per trial."""

ERROR_FILE = "error.txt"
"""File that Ray writes into the folder of a failed trial."""

PROGRESS = (
    "epochs",
    "best_epoch",
    "val_accuracy",
    "stage",
    "last",
    "val_losses",
    "train_seconds",
    "node",
)
LAST_METRICS = ("train_loss", "train_accuracy", "val_loss", "images_per_second", "parameters")
EPOCH_SECONDS = "epoch_seconds"


class TrialState(StrEnum):
    """State of a trial."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETE = "COMPLETE"
    """Trained to the last epoch."""
    PRUNED = "PRUNED"
    """Stopped early by the scheduler."""
    INTERRUPTED = "INTERRUPTED"
    """Interrupted by Ctrl-C or the time budget."""
    DIVERGED = "DIVERGED"
    """Stopped because the loss became NaN or infinite."""
    FAILED = "FAILED"
    """Ended by an error."""

    @property
    def ended(self) -> bool:
        """Whether the trial has ended and will not continue in this run of the search."""
        return self not in (TrialState.PENDING, TrialState.RUNNING, TrialState.PAUSED)


NOT_LEARNED_YET = "no trial has learned yet"
"""What users are told while no trial is better than guessing."""

BROKEN = (TrialState.DIVERGED, TrialState.FAILED)
"""States of trials that could not continue; such trials are never the best."""


@dataclass
class TrialRecord:
    """Record of one trial of a search.

    Attributes:
        number: Number of the trial in the study.
        trial_id: Ray's ID of the trial, which changes when the search is resumed.
        config: Hyperparameters at the start of the trial, including the model.
        state: State of the trial.
        epochs: Number of trained epochs.
        best_epoch: Epoch with the best validation accuracy, or 0 before the end of the first
            epoch.
        val_accuracy: Best validation accuracy in the last stage, from 0 to 1. NaN before the end
            of the first epoch.
        stage: Stage of the best epoch, starting at 1, or 0 in a search without stages.
        last: Metrics of the last epoch.
        val_losses: Validation loss, keyed by epoch as text because JSON requires text keys. Unlike
            the training loss, the validation loss does not depend on label smoothing or
            augmentation.
        train_seconds: Sum of the epochs' wall time in seconds.
        node: Address of the machine that trained the last epoch.
        reason: One-line reason of a failure. Empty if the trial has not failed.
        exploits: Exploits of the trial in population based training, in chronological order. Each
            has the ``epoch`` after which the trial continued with other weights, the number of the
            ``donor`` trial that provided them, and the new hyperparameters ``params``.
    """

    number: int
    trial_id: str
    config: dict[str, Any]
    state: TrialState = TrialState.PENDING
    epochs: int = 0
    best_epoch: int = 0
    val_accuracy: float = float("nan")
    stage: int = 0
    last: dict[str, float] = field(default_factory=dict)
    val_losses: dict[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    node: str = ""
    reason: str = ""
    exploits: list[dict[str, Any]] = field(default_factory=list)

    def config_of(self, epoch: int) -> dict[str, Any]:
        """Return the hyperparameters in an epoch. Exploits change them during a trial."""
        earlier = [other["params"] for other in self.exploits if other["epoch"] < epoch]
        config: dict[str, Any] = earlier[-1] if earlier else self.config
        return config

    def add_epoch(self, metrics: dict[str, Any]) -> None:
        """Update the record with the reported metrics of the next epoch."""
        self.epochs = metrics[TIME_ATTR]
        self.val_losses[str(self.epochs)] = metrics["val_loss"]
        self.train_seconds = metrics["train_seconds"]
        self.node = metrics.get("node_ip", "")
        self.last = {key: metrics[key] for key in LAST_METRICS}
        self.last |= {key: metrics[key] for key in (EPOCH_SECONDS, *FIDELITY) if key in metrics}
        stage = metrics.get(STAGE, 0)
        # Stages use different images, so only accuracies of the same stage are compared.
        if stage > self.stage or not metrics[METRIC] <= self.val_accuracy:
            self.stage = stage
            self.val_accuracy = metrics[METRIC]
            self.best_epoch = self.epochs

    def progress(self) -> dict[str, Any]:
        """Return the fields that are stored in the study and restored by :meth:`from_study`."""
        return {key: getattr(self, key) for key in PROGRESS}

    @classmethod
    def from_study(cls, trial: optuna.trial.FrozenTrial, model: str | None) -> "TrialRecord":
        """Restore the record of a trial from the study.

        Args:
            trial: Trial of the study.
            model: Architecture of all trials, or None if the model is a parameter.
        """
        fixed = {} if model is None else {"model": model}
        attributes = trial.user_attrs
        progress = attributes.get("progress", {})
        record = cls(
            number=trial.number,
            trial_id=attributes.get("trial_id", ""),
            config=fixed | trial.params,
            state=_state(trial),
            reason=attributes.get("reason", ""),
            exploits=attributes.get(EXPLOITS, []),
            **{key: progress[key] for key in PROGRESS if key in progress},
        )
        if record.epochs:  # journals of earlier versions have the loss of the last epoch only
            record.val_losses.setdefault(str(record.epochs), record.last["val_loss"])
        return record


def _state(trial: optuna.trial.FrozenTrial) -> TrialState:
    match trial.state:
        case optuna.trial.TrialState.COMPLETE:
            return TrialState.COMPLETE
        case optuna.trial.TrialState.PRUNED:
            return TrialState.PRUNED
        case optuna.trial.TrialState.FAIL:
            return TrialState.DIVERGED if trial.user_attrs.get("diverged") else TrialState.FAILED
        case _:
            return TrialState.INTERRUPTED


def to_frame(records: list[TrialRecord]) -> pd.DataFrame:
    """Return the table of all trials, as in ``trials.csv``, with one row per trial.

    The hyperparameters in a row are those of the best epoch.
    """
    keys = ordered_keys((*CONFIG_COLUMNS, *(key for record in records for key in record.config)))
    rows = []
    for record in records:
        # asdict copies every nested mapping, which takes longer than the rest of the table.
        row = dict(vars(record))
        best = record.config_of(record.best_epoch)
        row |= {key: best.get(key) for key in keys}
        row["exploits"] = _text(record.exploits)
        row |= {key: record.last.get(key) for key in (*LAST_METRICS, *FIDELITY)}
        rows.append(row)
    columns = ["number", "trial_id", "state", *keys, "val_accuracy", "best_epoch"]
    columns += ["epochs", *FIDELITY, *LAST_METRICS, "train_seconds", "node", "exploits", "reason"]
    return pd.DataFrame(rows, columns=columns).rename(columns={"number": "trial"})


def _text(exploits: list[dict[str, Any]]) -> str:
    return ", ".join(f"epoch {other['epoch']} from #{other['donor']}" for other in exploits)


def by_rank(records: list[TrialRecord]) -> list[TrialRecord]:
    """Return the records of the trials that have finished an epoch, best trial first.

    Trials that diverged or failed come last. The other trials are ordered by stage, then by
    validation accuracy. Among equal trials, the one with the lowest number comes first.
    """
    evaluated = [record for record in records if record.best_epoch]
    evaluated.sort(key=_rank)
    return evaluated


def _rank(record: TrialRecord) -> tuple[bool, int, float, int]:
    return record.state in BROKEN, -record.stage, -record.val_accuracy, record.number


def has_learned(records: list[TrialRecord], chance_level: float) -> bool:
    """Return whether at least one trial is better than guessing.

    Args:
        records: Records of the trials.
        chance_level: Validation accuracy that a network must exceed to count as having learned.
    """
    return any(record.best_epoch and record.val_accuracy > chance_level for record in records)


def best_record(records: Iterable[TrialRecord]) -> TrialRecord | None:
    """Return the first record by the order of :func:`by_rank`. None before the first epoch."""
    return min((record for record in records if record.best_epoch), key=_rank, default=None)
