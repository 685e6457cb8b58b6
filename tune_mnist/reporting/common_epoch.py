"""Accuracies of the trials of a search after one common epoch, so that they are comparable."""

import math
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class CommonEpoch:
    """Validation accuracies of the trials after the same epoch.

    Attributes:
        epoch: Number of the epoch, starting at 1.
        values: ``val_accuracy`` after the epoch, keyed by trial number. It is minus infinity for a
            trial that diverged. Trials that did not reach the epoch are missing.
        best_ever: Highest ``val_accuracy`` of any epoch, keyed by trial number.
    """

    epoch: int
    values: dict[int, float]
    best_ever: dict[int, float]

    @property
    def reached(self) -> bool:
        """Whether at least one trial has reached the epoch without diverging."""
        return any(map(math.isfinite, self.values.values()))


def common_epoch(results: StoredSearch) -> CommonEpoch | None:
    """Return the accuracies after the last epoch that all comparable trials have reached.

    Comparing each trial by its own best epoch would favour the hyperparameters of the trials that
    the scheduler trained for longer.

    Args:
        results: Search whose trials are compared. Complete and pruned trials determine the common
            epoch; if there are none, interrupted and failed trials do.

    Returns:
        Accuracies at the common epoch, or None if no trial has finished an epoch.
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
    """Return the accuracies after the last epoch of a search, without trials stopped earlier."""
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
    """Return the learning curve of each trial: val_accuracy, keyed by trial number and epoch."""
    trials = {trial.number: trial for trial in results.study.get_trials(deepcopy=False)}
    return {record.number: _curve(record, trials[record.number]) for record in results.records}


def _curve(record: TrialRecord, trial: FrozenTrial) -> dict[int, float]:
    """Return val_accuracy by epoch, up to the first change of the trial's hyperparameters."""
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
