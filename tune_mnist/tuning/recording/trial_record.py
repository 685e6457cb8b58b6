"""What is known of each trial: one record, filled as the trial goes on."""

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
"""User attribute of a trial that was taken over from another search."""


class TrialState(StrEnum):
    """Where a trial stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETE = "COMPLETE"
    """Trained all its epochs."""
    PRUNED = "PRUNED"
    """Stopped early by the scheduler."""
    INTERRUPTED = "INTERRUPTED"
    """Cut off by Ctrl-C or the time budget."""
    DIVERGED = "DIVERGED"
    """Its loss became NaN or infinite."""
    FAILED = "FAILED"
    """Ended by an error."""

    @property
    def ended(self) -> bool:
        """Whether the trial will not go on."""
        return self not in (TrialState.PENDING, TrialState.RUNNING, TrialState.PAUSED)


BROKEN = (TrialState.DIVERGED, TrialState.FAILED)
"""States of trials that could not go on, and are no example to follow."""


@dataclass
class TrialRecord:
    """One trial of a search.

    Attributes:
        number: the trial's number in the study.
        trial_id: Ray's name for it, another one after each restart of the search.
        config: its hyperparameters at first, the model's name among them.
        state: where it stands.
        epochs: epochs trained.
        best_epoch: the epoch of its best validation accuracy, 0 before the first.
        val_accuracy: its best validation accuracy, in the last of its stages.
        stage: the stage of that epoch, from 1; 0 in a search without stages.
        last: the metrics of its last epoch.
        train_losses: Training loss by epoch, whose number is text as JSON needs it.
        train_seconds: sum of its epochs' wall time.
        node: address of the machine that trained its last epoch.
        reason: why it failed, one line.
        exploits: Its exploits in population based training, by time: the ``epoch`` after which it
            continued, the ``donor`` of the weights, and its ``params`` from then on.
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
    train_losses: dict[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    node: str = ""
    reason: str = ""
    exploits: list[dict[str, Any]] = field(default_factory=list)

    def config_of(self, epoch: int) -> dict[str, Any]:
        """Return the hyperparameters that an epoch was, or will be, trained with."""
        earlier = [other["params"] for other in self.exploits if other["epoch"] < epoch]
        config: dict[str, Any] = earlier[-1] if earlier else self.config
        return config

    def add_epoch(self, metrics: dict[str, Any]) -> None:
        """Take in the metrics of one more epoch."""
        self.epochs = metrics[TIME_ATTR]
        self.train_losses[str(self.epochs)] = metrics["train_loss"]
        self.train_seconds = metrics["train_seconds"]
        self.node = metrics.get("node_ip", "")
        self.last = {key: metrics[key] for key in LAST_METRICS}
        self.last |= {key: metrics[key] for key in FIDELITY if key in metrics}
        stage = metrics.get(STAGE, 0)
        # Accuracies of two stages do not compare: one on small images says less.
        if stage > self.stage or not metrics[METRIC] <= self.val_accuracy:
            self.stage = stage
            self.val_accuracy = metrics[METRIC]
            self.best_epoch = self.epochs

    def progress(self) -> dict[str, Any]:
        """Return what :meth:`from_study` needs beside the study's own fields, as plain values."""
        return {key: getattr(self, key) for key in PROGRESS}

    @classmethod
    def from_study(cls, trial: optuna.trial.FrozenTrial, model: str | None) -> "TrialRecord":
        """Return the record of a trial of an earlier run of the search.

        Args:
            trial: as the study keeps it.
            model: the architecture, where it is not a parameter.
        """
        fixed = {} if model is None else {"model": model}
        attributes = trial.user_attrs
        return cls(
            number=trial.number,
            trial_id=attributes.get("trial_id", ""),
            config=fixed | trial.params,
            state=_state(trial),
            reason=attributes.get("reason", ""),
            exploits=attributes.get(EXPLOITS, []),
            **attributes.get("progress", {}),
        )


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


PROGRESS = (
    "epochs",
    "best_epoch",
    "val_accuracy",
    "stage",
    "last",
    "train_losses",
    "train_seconds",
    "node",
)
LAST_METRICS = ("train_loss", "train_accuracy", "val_loss", "images_per_second", "parameters")


def to_frame(records: list[TrialRecord]) -> pd.DataFrame:
    """Return the records as a table, one row a trial, ready for ``trials.csv``.

    The hyperparameters are those of the trial's best epoch.
    """
    keys = ordered_keys((*CONFIG_COLUMNS, *(key for record in records for key in record.config)))
    rows = []
    for record in records:
        # asdict would copy every mapping in it, which takes longer than the rest of the table.
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
    """Return the records that have finished an epoch, best first, the elder of equals first.

    One that has come to a later stage is better than all that have not. A trial that diverged or
    failed comes after all others, whatever it came to before.
    """
    judged = [record for record in records if record.best_epoch]
    judged.sort(
        key=lambda record: (
            record.state in BROKEN,
            -record.stage,
            -record.val_accuracy,
            record.number,
        )
    )
    return judged


def best_record(records: list[TrialRecord]) -> TrialRecord | None:
    """Return the first of :func:`by_rank`, None before any epoch is done."""
    ranked = by_rank(records)
    return ranked[0] if ranked else None
