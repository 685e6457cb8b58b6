"""The record of each trial: in memory for the tables, and in the study for good."""

import warnings
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
    """Return the trials of the search itself, without those it was warm-started from."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if WARM_START_NAME not in trial.user_attrs]


def begun_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials of the search itself that do not wait in the queue any more."""
    waiting = optuna.trial.TrialState.WAITING
    return [trial for trial in own_trials(study) if trial.state is not waiting]


class TrialStore:
    """Keeps the records of a search, and writes whatever happens to a trial into its study.

    What the study holds is enough to build the store again after the driver was killed: that is
    how a search is resumed.

    Args:
        study: where the trials are kept; its trials of earlier runs get their records at once.
        model: the architecture, where it is not a parameter.
        max_epochs: epochs of a trial that is not stopped.
        objectives: what the study optimises, METRIC first; each a field of a record or a metric.
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
        """The records in the order of their numbers."""
        return [self._records[number] for number in sorted(self._records)]

    def count_active(self) -> int:
        """Return how many trials run, or wait for a worker."""
        active = (TrialState.PENDING, TrialState.RUNNING)
        return sum(record.state in active for record in self._records.values())

    def record(self, number: int) -> TrialRecord:
        """Return the record of a trial."""
        return self._records[number]

    def begin(self, trial: optuna.Trial, trial_id: str, config: dict[str, Any]) -> None:
        """Open the record of a trial, or take up that of an earlier run again.

        Args:
            trial: as the study gave it.
            trial_id: Ray's name for it.
            config: its hyperparameters, the model's name among them.
        """
        self._trials[trial.number] = trial
        record = self._records.setdefault(
            trial.number, TrialRecord(trial.number, trial_id, config)
        )
        record.trial_id, record.config, record.state = trial_id, config, TrialState.PENDING
        trial.set_user_attr("trial_id", trial_id)

    def add_epoch(self, number: int, metrics: dict[str, Any]) -> None:
        """Take in an epoch's metrics, unless they are known, or not those of an epoch."""
        record = self._records[number]
        if METRIC not in metrics or metrics[TIME_ATTR] <= record.epochs:
            return
        record.add_epoch(metrics)
        trial = self._trials[number]
        if len(self._objectives) == 1:
            with warnings.catch_warnings():
                # A driver that died right here has left a value that is now reported again.
                warnings.simplefilter("ignore")
                trial.report(metrics[METRIC], step=metrics[TIME_ATTR])
        trial.set_user_attr("progress", record.progress())

    def exploit(self, number: int, epoch: int, source: int, params: dict[str, Any]) -> None:
        """Note that a trial continues with another one's weights; once more changes nothing.

        Args:
            number: Number of the trial.
            epoch: Epoch after which this happens.
            source: Number of the trial whose weights it gets.
            params: Hyperparameters of the trial from then on.
        """
        record = self._records[number]
        if any(earlier["epoch"] == epoch for earlier in record.exploits):
            return
        record.exploits.append({"epoch": epoch, "donor": source, "params": params})
        self._trials[number].set_user_attr(EXPLOITS, record.exploits)

    def end(self, number: int, last: dict[str, Any]) -> None:
        """Close the record of a trial that Ray has stopped, by what it last reported.

        COMPLETE if it has trained all its epochs, FAIL if it said why it cannot go on, and PRUNED
        otherwise: nobody but the scheduler stops a trial in another way.
        """
        self.add_epoch(number, last)
        if REASON in last:
            self.fail(number, last[REASON], diverged=last[DIVERGED])
        elif self._records[number].epochs >= self._max_epochs:
            self._close(number, TrialState.COMPLETE)
        else:
            self._close(number, TrialState.PRUNED)

    def fail(self, number: int, reason: str, *, diverged: bool = False) -> None:
        """Close the record of a trial that cannot go on.

        Args:
            number: of the trial.
            reason: one line.
            diverged: its loss became NaN or infinite.
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
            # Parameters are a metric, seconds and accuracy fields of the record.
            values = [float({**record.last, **vars(record)}[name]) for name in self._objectives]
        self._study.tell(trial, values, state=_ENDS[state])
        del self._trials[number]  # not before: on a full disk the study has not heard of it
