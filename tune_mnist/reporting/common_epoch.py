"""The epoch at which the trials of a search are compared."""

import math
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class CommonEpoch:
    """Accuracies of the trials after one epoch.

    Attributes:
        epoch: The epoch, at least 1.
        values: val_accuracy after that epoch by number of the trial; minus infinity for a trial
            that diverged. Trials without that epoch are missing.
        best_ever: Best val_accuracy of any epoch by number of the trial.
    """

    epoch: int
    values: dict[int, float]
    best_ever: dict[int, float]

    @property
    def reached(self) -> bool:
        """Whether any trial has a value."""
        return any(map(math.isfinite, self.values.values()))


def common_epoch(results: StoredSearch) -> CommonEpoch | None:
    """Return the accuracies after the last epoch that every comparable trial has reached.

    Trials that were stopped early lack the later epochs. To compare each by its own best epoch
    would credit a setting with the training that the scheduler gave it.

    Returns:
        None if no trial has finished an epoch.
    """
    curves = _curves(results)
    finished = [
        record
        for record in results.records
        if curves[record.number] and record.state is not TrialState.DIVERGED
    ]
    ended = [record for record in finished if record.state in _ENDED] or finished
    if not ended:
        return None
    return _after(results, curves, min(max(curves[record.number]) for record in ended))


def last_epoch(results: StoredSearch) -> CommonEpoch:
    """Return the accuracies after the last epoch of the search.

    Trials that were stopped early are missing.
    """
    return _after(results, _curves(results), results.options.max_epochs)


def _after(results: StoredSearch, curves: dict[int, dict[int, float]], epoch: int) -> CommonEpoch:
    diverged = {
        record.number: -math.inf
        for record in results.records
        if record.state is TrialState.DIVERGED
    }
    reached = {number: curve[epoch] for number, curve in curves.items() if epoch in curve}
    return CommonEpoch(
        epoch=epoch,
        values=reached | diverged,
        best_ever={number: max(curve.values()) for number, curve in curves.items() if curve},
    )


def _curves(results: StoredSearch) -> dict[int, dict[int, float]]:
    """Return val_accuracy by epoch, by number of the trial."""
    trials = {trial.number: trial for trial in results.study.get_trials(deepcopy=False)}
    return {record.number: _curve(record, trials[record.number]) for record in results.records}


def _curve(record: TrialRecord, trial: FrozenTrial) -> dict[int, float]:
    """Return val_accuracy by epoch while the trial has its first hyperparameters."""
    if trial.intermediate_values:
        # In population based training a trial may continue with the settings of another one.
        last = min((exploit["epoch"] for exploit in record.exploits), default=math.inf)
        return {
            epoch: value
            for epoch, value in trial.intermediate_values.items()
            if epoch <= last and not math.isnan(value)
        }
    # With several objectives Optuna keeps no curves, and no trial is stopped early.
    return {record.epochs: record.val_accuracy} if record.best_epoch else {}
