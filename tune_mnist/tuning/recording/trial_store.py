"""Store of the trial records, in memory and in the study."""

import warnings
from collections.abc import Set
from typing import Any

import optuna

from tune_mnist.tuning.recording.trial_attributes import EXPLOITS
from tune_mnist.tuning.recording.trial_record import WARM_START_NAME, TrialRecord, TrialState
from tune_mnist.tuning.trials.reports import DIVERGED, METRIC, REASON, TIME_ATTR

_ENDS = {
    TrialState.COMPLETE: optuna.trial.TrialState.COMPLETE,
    TrialState.PRUNED: optuna.trial.TrialState.PRUNED,
    TrialState.DIVERGED: optuna.trial.TrialState.FAIL,
    TrialState.FAILED: optuna.trial.TrialState.FAIL,
}


def own_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials of a search without those imported by a warm start."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if WARM_START_NAME not in trial.user_attrs]


def begun_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials of a search that have started, without those that are still queued."""
    waiting = optuna.trial.TrialState.WAITING
    return [trial for trial in own_trials(study) if trial.state is not waiting]


class TrialStore:
    """Store for the records of all trials of a search.

    Every change is also written to the study, so that a resumed search can restore the records.

    Args:
        study: Study of the search. The records of trials in the study are restored.
        model: Architecture of all trials, or None if the model is a parameter.
        max_epochs: Maximum epochs per trial.
        objectives: Objectives of the study, starting with ``val_accuracy``. Each objective is a
            field of ``TrialRecord`` or a metric of the last epoch.
    """

    def __init__(
        self,
        study: optuna.Study,
        model: str | None,
        max_epochs: int,
        objectives: tuple[str, ...] = (METRIC,),
    ) -> None:
        self._study = study
        self._max_epochs = max_epochs
        self._objectives = objectives
        self._trials: dict[int, optuna.Trial] = {}
        self._records = {
            trial.number: TrialRecord.from_study(trial, model) for trial in begun_trials(study)
        }
        for record in self._records.values():
            if record.state is TrialState.INTERRUPTED:
                record.state = TrialState.PENDING

    @property
    def records(self) -> list[TrialRecord]:
        """The records of all trials, ordered by number."""
        return [self._records[number] for number in sorted(self._records)]

    @property
    def numbers(self) -> Set[int]:
        """The numbers of all trials."""
        return self._records.keys()

    def record(self, number: int) -> TrialRecord:
        """Return the record of the trial with a given number."""
        return self._records[number]

    def begin(self, trial: optuna.Trial, trial_id: str, config: dict[str, Any]) -> None:
        """Create the record of a trial that starts, or continue the record of an unfinished trial.

        Args:
            trial: Trial of the study.
            trial_id: Ray's ID of the trial.
            config: Hyperparameters at the start of the trial, including the model.
        """
        self._trials[trial.number] = trial
        record = self._records.setdefault(
            trial.number, TrialRecord(trial.number, trial_id, config)
        )
        record.trial_id, record.config, record.state = trial_id, config, TrialState.PENDING
        trial.set_user_attr("trial_id", trial_id)

    def add_epoch(self, number: int, metrics: dict[str, Any]) -> None:
        """Add the metrics of an epoch to a record. Repeated or incomplete reports are ignored.

        Args:
            number: Number of the trial.
            metrics: Report of the trial after the epoch, as passed to Ray Tune.
        """
        record = self._records[number]
        if METRIC not in metrics or metrics[TIME_ATTR] <= record.epochs:
            return
        record.add_epoch(metrics)
        trial = self._trials[number]
        if len(self._objectives) == 1:
            with warnings.catch_warnings():
                # Optuna warns if a driver that was killed here had already reported the value.
                warnings.simplefilter("ignore")
                trial.report(metrics[METRIC], step=metrics[TIME_ATTR])
        trial.set_user_attr("progress", record.progress())

    def exploit(self, number: int, epoch: int, source: int, params: dict[str, Any]) -> None:
        """Record that a trial continues with the weights of another trial.

        A second exploit after the same epoch is ignored.

        Args:
            number: Number of the trial.
            epoch: Epoch after which the trial continues with the other weights.
            source: Number of the trial that provides the weights.
            params: Hyperparameters of the trial after the exploit.
        """
        record = self._records[number]
        if any(earlier["epoch"] == epoch for earlier in record.exploits):
            return
        record.exploits.append({"epoch": epoch, "donor": source, "params": params})
        self._trials[number].set_user_attr(EXPLOITS, record.exploits)

    def end(self, number: int, last: dict[str, Any]) -> None:
        """Set the final state of a trial after Ray has ended it.

        The state is FAILED or DIVERGED if the last report of the trial gives this cause, COMPLETE
        if the trial has trained all epochs, and PRUNED otherwise, because only a scheduler ends a
        trial early.

        Args:
            number: Number of the trial.
            last: Last report of the trial.
        """
        self.add_epoch(number, last)
        if REASON in last:
            self.fail(number, last[REASON], diverged=last[DIVERGED])
        elif self._records[number].epochs >= self._max_epochs:
            self._close(number, TrialState.COMPLETE)
        else:
            self._close(number, TrialState.PRUNED)

    def fail(self, number: int, reason: str, *, diverged: bool = False) -> None:
        """Set the final state of a trial that cannot continue.

        Args:
            number: Number of the trial.
            reason: Reason of the failure as a one-line message.
            diverged: Whether the loss became NaN or infinite.
        """
        record = self._records[number]
        record.reason = reason
        self._trials[number].set_user_attr("reason", reason)
        self._trials[number].set_user_attr("diverged", diverged)
        self._close(number, TrialState.DIVERGED if diverged else TrialState.FAILED)

    def _close(self, number: int, state: TrialState) -> None:
        record, trial = self._records[number], self._trials[number]
        record.state = state
        trial.set_user_attr("epochs", record.epochs)
        trial.set_user_attr("seconds", round(record.train_seconds, 3))
        trial.set_user_attr("node", record.node)
        values = None
        if state is TrialState.COMPLETE:
            # The number of parameters is a metric; seconds and accuracy are fields of the record.
            values = [float({**record.last, **vars(record)}[name]) for name in self._objectives]
        self._study.tell(trial, values, state=_ENDS[state])
        del self._trials[number]  # last, since writing to the study fails on a full disk
