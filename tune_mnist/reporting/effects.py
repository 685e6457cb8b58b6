"""Tables of what each hyperparameter does: accuracies of the trials that share a value."""

import math
from dataclasses import dataclass

import pandas as pd
from optuna.trial import FrozenTrial

from tune_mnist.reporting.bins import group_of
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.tables import Comparison, comparison
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.searching.registry import searcher_class

_CROSSED = ("optimizer", "lr")
"""Compared together: a good learning rate for one optimizer is a bad one for another."""

"""User attribute of a trial: after which epochs it went on with another one's settings."""


@dataclass(frozen=True)
class _Fidelity:
    """The epoch at which trials are compared.

    Attributes:
        epoch: that all compared trials have reached, unless they diverged.
        values: by trial, val_accuracy after it; minus infinity of a trial that diverged.
        best_ever: by trial, its best val_accuracy, whenever that was.
    """

    epoch: int
    values: dict[int, float]
    best_ever: dict[int, float]


def effect_tables(results: StoredSearch) -> list[Comparison]:
    """Return a table for each hyperparameter, optimizer and learning rate crossed.

    None before any trial has finished an epoch.
    """
    fidelity = _fidelity(results)
    if fidelity is None:
        return []
    names = [name for name in results.space.parameter_names if name != "model"]
    crossed = tuple(name for name in _CROSSED if name in names)
    others = [(name,) for name in names if name not in crossed]
    tables = [_effect(results, fidelity, group) for group in (crossed, *others)]
    return [table for table in tables if not table.cells.empty]


def _fidelity(results: StoredSearch) -> _Fidelity | None:
    """Choose the epoch at which to compare: the last that all trials reached that went well.

    Trials that were stopped early lack the later epochs, and comparing each by its own best epoch
    would credit a setting with the training that it was given.
    """
    trials = {trial.number: trial for trial in results.study.get_trials(deepcopy=False)}
    curves = {record.number: _curve(record, trials[record.number]) for record in results.records}
    diverged = {
        record.number: -math.inf
        for record in results.records
        if record.state is TrialState.DIVERGED
    }
    judged = [
        record
        for record in results.records
        if curves[record.number] and record.number not in diverged
    ]
    whole = (TrialState.COMPLETE, TrialState.PRUNED)
    ended = [record for record in judged if record.state in whole] or judged
    if not ended:
        return None
    epoch = min(max(curves[record.number]) for record in ended)
    return _Fidelity(
        epoch=epoch,
        values={number: curve[epoch] for number, curve in curves.items() if epoch in curve}
        | diverged,
        best_ever={number: max(curve.values()) for number, curve in curves.items() if curve},
    )


def _curve(record: TrialRecord, trial: FrozenTrial) -> dict[int, float]:
    """Return val_accuracy by epoch, as long as the trial had the hyperparameters it began with."""
    if trial.intermediate_values:
        # In population based training a trial may go on with the weights and settings of another.
        last = min((exploit["epoch"] for exploit in record.exploits), default=math.inf)
        return {
            epoch: value
            for epoch, value in trial.intermediate_values.items()
            if epoch <= last and not math.isnan(value)
        }
    # With several objectives Optuna keeps no curves; no trial is stopped early then.
    return {record.epochs: record.val_accuracy} if record.best_epoch else {}


def _effect(results: StoredSearch, fidelity: _Fidelity, names: tuple[str, ...]) -> Comparison:
    several = len(results.space.models) > 1
    compared = [
        record
        for record in results.records
        if record.number in fidelity.values and all(name in record.config for name in names)
    ]
    groups: dict[tuple[int, ...], list[TrialRecord]] = {}
    labels = {}
    for record in compared:
        found = [group_of(results.space.parameters[name], record.config[name]) for name in names]
        model = record.config["model"]
        place = (results.space.models.index(model), *(group.place for group in found))
        groups.setdefault(place, []).append(record)
        labels[place] = {"model": model} | dict(
            zip(names, (group.label for group in found), strict=True)
        )
    rows = [labels[place] | _summary(groups[place], fidelity) for place in sorted(groups)]
    shown = ("trials", "median", "best", "best_ever", "diverged")
    return comparison(
        "effect_" + "_".join(names),
        f"Effect of {' and '.join(names)} on val_accuracy",
        pd.DataFrame(rows),
        (*(("model",) if several else ()), *names, *shown),
        _caption(results, fidelity, names),
    )


def _summary(records: list[TrialRecord], fidelity: _Fidelity) -> dict[str, float]:
    values = pd.Series([fidelity.values[record.number] for record in records])
    diverged = [record.state is TrialState.DIVERGED for record in records]
    return {
        "trials": len(records),
        "median": float(values.median()),
        "best": float(values.max()),
        "best_ever": max(fidelity.best_ever.get(record.number, -math.inf) for record in records),
        "diverged": sum(diverged) / len(records),
    }


def _caption(results: StoredSearch, fidelity: _Fidelity, names: tuple[str, ...]) -> str:
    when = "after" if len(results.options.directions) == 1 else "best epoch up to"
    parts = [
        f"Median and best: {when} epoch {fidelity.epoch} of {results.options.max_epochs}, which"
        " all of these trials reached, so that none gains by training longer; diverged counts as"
        " the worst."
    ]
    left_out = sum(
        record.number not in fidelity.values and all(name in record.config for name in names)
        for record in results.records
    )
    if left_out:
        parts.append(f"Left out: {left_out} that failed or were cut off before.")
    if any(record.exploits for record in results.records):
        parts.append("Epochs after a trial took over another one's settings are left out.")
    if searcher_class(results.options.searcher).learns:
        parts.append(
            f"Other settings differ too, and {results.options.searcher} draws more of what did"
            " well: a difference is a hint."
        )
    return " ".join(parts)
