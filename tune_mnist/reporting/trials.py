"""Tables of trials: the best of each architecture, its costs, the top ten, the Pareto set."""

import numpy as np
import pandas as pd

from tune_mnist.reporting.finals import by_configuration, missing_runs, test_columns
from tune_mnist.reporting.network_cost import mflops
from tune_mnist.reporting.portfolio_trials import portfolio_sentence
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.tables import CONFIG, SELECTED_HEADINGS, Comparison, comparison
from tune_mnist.tuning.final.guessing import guesses
from tune_mnist.tuning.final.selection import finalist_records
from tune_mnist.tuning.recording.trial_record import BROKEN, NOT_LEARNED_YET, TrialState
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason
from tune_mnist.tuning.spaces.stages import STAGE

TOP = 10
SELECTED_CAPTION = (
    "val_accuracy (selected): accuracy after the best epoch on the validation images of the"
    " search. It is selected as the highest of all trials and is therefore partly due to chance."
)
TEST_CAPTION = (
    " Test accuracy: mean ± standard deviation over the seeds after retraining the configuration"
    " on training and validation images; nothing was selected by it. It can be lower or higher"
    " than val_accuracy, which comes from other images and less training."
)
PRUNED_CAPTION = (
    " A PRUNED trial, which was stopped early to save time, is the best if its best epoch is at"
    " least as good as those of the complete trials. The final runs train for all epochs."
)
_ARCHITECTURES = (
    *("model", "trial", "val_accuracy", "full_val_accuracy", "test", "interval", "seeds"),
    CONFIG,
    *("stage", "best_epoch", "epochs", "state", "trials"),
)
_COSTS = (
    *("model", "parameters", "mflops", "images_per_second", "epoch_seconds"),
    *("best_epoch", "best_seconds"),
)
_TOP = (
    *("trial", "model", "val_accuracy", CONFIG),
    *("stage", "best_epoch", "epochs", "state"),
)
_PARETO = ("trial", "model", "val_accuracy", "parameters", "train_seconds", CONFIG)


def best_trials(results: StoredSearch) -> pd.DataFrame:
    """Return a table of the best trial of each architecture, best architecture first.

    The table includes the costs and the test accuracy of the trials. If several trials have the
    same accuracy, the trial that was tested by the final evaluation is the best, then the one with
    the lowest number. A trial that diverged or failed is selected only if its architecture has no
    other trial.
    """
    tested = by_configuration(results.final)
    judged = _judged(results.trials)
    judged["tested"] = [key in tested for key in _keys(judged)]
    judged["whole"] = ~judged["state"].isin(BROKEN)
    ranked = judged.sort_values(
        ["whole", "stage_rank", "val_accuracy", "tested", "trial"],
        ascending=[False, False, False, False, True],
    )
    best = ranked.drop_duplicates("model").sort_values(
        ["stage_rank", "val_accuracy"], ascending=False
    )
    best["trials"] = best["model"].map(results.trials["model"].value_counts())
    best["full_val_accuracy"] = [results.full_val_accuracy.get(key, np.nan) for key in _keys(best)]
    records = {record.number: record for record in results.records}
    best["mflops"] = [mflops(results, records[trial]) for trial in best["trial"]]
    best["epoch_seconds"] = best["train_seconds"] / best["epochs"]
    best["best_seconds"] = best["epoch_seconds"] * best["best_epoch"]
    of_tests = [test_columns(tested.get(key, [])) for key in _keys(best)]
    return best.join(pd.DataFrame(of_tests, index=best.index))


def hidden_of_best(best: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of the table of best trials that a terminal does not show.

    The state of a trial is shown only if at least one of the trials was not trained to its last
    epoch.
    """
    hidden = ("trial", "interval", "seeds", "stage", "best_epoch", "epochs", "trials")
    return (*hidden, "state") if (best["state"].dropna() == "COMPLETE").all() else hidden


def pruned_sentence(best: pd.DataFrame) -> str:
    """Explain why a pruned trial can be the best, or return ``""`` if none of them is.

    Args:
        best: Best trials, one row each.
    """
    return PRUNED_CAPTION if (best["state"] == TrialState.PRUNED).any() else ""


def trial_tables(results: StoredSearch) -> list[Comparison]:
    """Return tables of the best trials and, with several objectives, of the Pareto set.

    Returns:
        Tables in reading order. Empty if no trial has finished an epoch.
    """
    directions = results.options.directions
    judged = _judged(results.trials)
    if judged.empty:
        return []
    best = best_trials(results)
    tables = [_architectures(results, best), _costs(best)]
    complete = judged[judged["state"] == TrialState.COMPLETE]
    if len(directions) > 1 and not complete.empty:
        title = f"Pareto set of {' and '.join(directions)}"
        caption = (
            "Trials trained to the last epoch that no other trial beats in one objective without"
            " being worse in another."
        )
        front = pareto_set(complete, directions)
        tables.append(comparison("pareto", title, front, _PARETO, caption, folded=True))
    title = f"Top {min(TOP, len(judged))} trials"
    top = judged.head(TOP)
    caption = "val_accuracy: after the best epoch. The highest values are partly due to chance."
    if "INTERRUPTED" in set(top["state"]):
        caption += " INTERRUPTED: interrupted or still running, with the epochs so far."
    caption += pruned_sentence(top.head(1))
    if exempt := portfolio_sentence(results, set(top["trial"])):
        caption += f" {exempt}"
    if judged[STAGE].notna().any():
        caption += " Trials that reached a later stage, with larger or more images, rank first."
    hidden = ("best_epoch", "model") if judged["model"].nunique() == 1 else ("best_epoch",)
    tables.append(comparison("top", title, top, _TOP, caption, folded=True, files_only=hidden))
    return tables


def pareto_set(trials: pd.DataFrame, directions: dict[str, str]) -> pd.DataFrame:
    """Return the trials on the Pareto front of several objectives.

    A trial is on the front if no other trial is better in one objective without being worse in
    another.

    Args:
        trials: Trials to compare, one row each, with a column for each objective.
        directions: ``max`` or ``min`` for each objective, keyed by its column.
    """
    signs = [1 if direction == "max" else -1 for direction in directions.values()]
    values = trials[list(directions)].to_numpy(dtype=float) * signs
    beaten = [
        bool(((values >= row).all(axis=1) & (values > row).any(axis=1)).any()) for row in values
    ]
    return trials.loc[np.array([not lost for lost in beaten], dtype=bool)]


def _architectures(results: StoredSearch, best: pd.DataFrame) -> Comparison:
    caption = SELECTED_CAPTION
    if best["full_val_accuracy"].notna().any():
        caption += " The same weights were then evaluated on all validation images."
    if "seeds" in best:
        options = results.options
        caption += TEST_CAPTION + missing_runs(
            results.final, options.final_seeds, resumable=options.resumable
        )
    caption += _not_retrained(results) + pruned_sentence(best)
    chosen = _keys(best)
    beaten = [
        f"trial {trial} of {model}"
        for (model, trial), runs in by_configuration(results.final).items()
        if runs[0].best and (model, trial) not in chosen
    ]
    if beaten:
        caption += f" Tested before a better trial was found: {', '.join(beaten)}."
    title = "Best trial of each architecture"
    if not results.learned:
        title = f"Highest val_accuracy of each architecture: {NOT_LEARNED_YET}"
    return comparison(
        "best",
        title,
        best,
        _ARCHITECTURES,
        caption,
        folded=True,
        files_only=hidden_of_best(best),
        headings=SELECTED_HEADINGS,
    )


def _not_retrained(results: StoredSearch) -> str:
    """Return a sentence on the finalists without final runs that only guess, or ``""``."""
    level, options = results.guessing_level, results.options
    ended = results.study.user_attrs.get(ENDED)
    in_order = {reason.value for reason in StopReason if reason.in_order}
    if level is None or not options.final_seeds or ended not in in_order:
        return ""
    tested = {run.trial for run in results.final}
    guessing = [
        f"trial {record.number} of {record.config['model']}"
        for finalists in finalist_records(results.records, options.finalists)
        for record in finalists
        if guesses(record, level) and record.number not in tested
    ]
    if not guessing:
        return ""
    return (
        f" Not retrained by default, because no better than guessing (val_accuracy up to"
        f" {level:.4f}): {', '.join(guessing)}."
    )


def _costs(best: pd.DataFrame) -> Comparison:
    caption = (
        "Costs of the best trials. MFLOPs: operations of a forward pass, where a multiply-add"
        " counts as two; images/s: training speed in the last epoch; s per epoch: mean over the"
        " trial, including validation; s to best: that mean times the best epoch."
    )
    return comparison("costs", "What each architecture costs", best, _COSTS, caption)


def _keys(trials: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the architecture and the number of each trial."""
    return list(zip(trials["model"], trials["trial"], strict=True))


def _judged(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with an accuracy, best first. Later stages rank before earlier stages."""
    judged = trials.dropna(subset=["val_accuracy"])
    judged = judged.assign(stage_rank=pd.to_numeric(judged[STAGE]).fillna(0))
    return judged.sort_values(
        ["stage_rank", "val_accuracy", "trial"], ascending=[False, False, True]
    )
