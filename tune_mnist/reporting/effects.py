"""Table of the effects of hyperparameters: accuracies of the trials that share a value."""

import math

import pandas as pd

from tune_mnist.reporting.bins import group_of
from tune_mnist.reporting.common_epoch import CommonEpoch, common_epoch, last_epoch
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.tables import Comparison, comparison
from tune_mnist.training import hyperparameter
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.searching.registry import searcher_class

_CROSSED = ("optimizer", "lr")
"""Compared in combination, because a good learning rate depends on the optimizer."""

_SHOWN = ("trials", "median", "best", "best_ever", "diverged", "epoch")
_FILES_ONLY = ("best_ever", "diverged", "epoch")


def effect_tables(results: StoredSearch) -> list[Comparison]:
    """Return a table that shows how the accuracy depends on each hyperparameter.

    Its rows are the values, or groups of values, of each hyperparameter and architecture.

    Returns:
        List with the table. Empty if no trial has finished an epoch.
    """
    common = common_epoch(results)
    if common is None:
        return []
    last = last_epoch(results)
    rows = []
    for names in _parameter_groups(results):
        late = _at_last_epoch(names)
        found = _rows(results, last if late else common, names)
        # Few trials reach the last epoch; if they share one value, there is nothing to compare.
        if not late or len({row["value"] for row in found}) > 1:
            rows += found
    if not rows:
        return []
    model = ("model",) if len(results.space.models) > 1 else ()
    table = comparison(
        "effects",
        "Effect of each hyperparameter on val_accuracy",
        pd.DataFrame(rows),
        ("parameter", *model, "value", *_SHOWN),
        _caption(results, common, last, {str(row["parameter"]) for row in rows}),
        files_only=_FILES_ONLY,
        group="parameter",
    )
    return [table]


def _parameter_groups(results: StoredSearch) -> list[tuple[str, ...]]:
    """Return the parameters, in groups that are compared in combination."""
    names = [name for name in results.space.parameter_names if name != "model"]
    crossed = tuple(name for name in _CROSSED if name in names)
    return [crossed, *((name,) for name in names if name not in crossed)]


def _at_last_epoch(names: tuple[str, ...]) -> bool:
    return any(hyperparameter(name).whole_training for name in names)


def _rows(
    results: StoredSearch, compared: CommonEpoch, names: tuple[str, ...]
) -> list[dict[str, object]]:
    """Return one row for each architecture and each value or combination of values."""
    groups: dict[tuple[int, ...], list[TrialRecord]] = {}
    labels: dict[tuple[int, ...], dict[str, object]] = {}
    for record in results.records:
        if record.number not in compared.values or not record.config.keys() >= set(names):
            continue
        found = [group_of(results.space.parameters[name], record.config[name]) for name in names]
        model = record.config["model"]
        place = (results.space.models.index(model), *(group.place for group in found))
        groups.setdefault(place, []).append(record)
        labels[place] = {
            "parameter": ", ".join(names),
            "model": model,
            "value": ", ".join(group.label for group in found),
        }
    return [labels[place] | _summary(groups[place], compared) for place in sorted(groups)]


def _summary(records: list[TrialRecord], compared: CommonEpoch) -> dict[str, float]:
    values = pd.Series([compared.values[record.number] for record in records])
    diverged = sum(record.state is TrialState.DIVERGED for record in records)
    return {
        "trials": len(records),
        "median": float(values.median()),
        "best": float(values.max()),
        "best_ever": max(compared.best_ever.get(record.number, -math.inf) for record in records),
        "diverged": diverged / len(records),
        "epoch": compared.epoch,
    }


def _caption(
    results: StoredSearch, common: CommonEpoch, last: CommonEpoch, shown: set[str]
) -> str:
    when = "after" if len(results.options.directions) == 1 else "of the best epoch up to"
    parts = [
        f"Median and best: val_accuracy {when} epoch {common.epoch} of {last.epoch}, which all"
        " compared trials reached, so that no trial benefits from longer training; a diverged"
        " trial counts as the worst."
    ]
    late = [name for name in results.space.parameter_names if _at_last_epoch((name,))]
    if late and common.epoch < last.epoch:
        if shown.issuperset(late):
            which = ""
        elif last.reached:
            which = ", which trials with too few values have reached"
        else:
            which = ", which no trial has reached"
        parts.append(
            f"{' and '.join(late)}: after epoch {last.epoch} only{which};"
            " its effect shows only over a whole training."
        )
    left_out = sum(record.number not in common.values for record in results.records)
    if left_out:
        parts.append(f"Left out: {left_out} that failed or were interrupted before that epoch.")
    if any(record.exploits for record in results.records):
        parts.append("Epochs after a trial took over the settings of another trial are left out.")
    if searcher_class(results.options.searcher).learns:
        parts.append(
            f"The trials differ in other settings too, and {results.options.searcher} samples more"
            " values near good ones, so a difference is a hint, not proof."
        )
    return " ".join(parts)
