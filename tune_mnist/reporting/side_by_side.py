"""Tables that compare several searches."""

from collections.abc import Sequence

import pandas as pd

from tune_mnist.reporting.stored_search import StoredSearch, names_of
from tune_mnist.reporting.tables import CONFIG, SELECTED_HEADINGS, Comparison, comparison
from tune_mnist.reporting.trials import (
    SELECTED_CAPTION,
    TEST_CAPTION,
    best_trials,
    hidden_of_best,
    pruned_sentence,
)
from tune_mnist.reporting.unsearched import with_unsearched
from tune_mnist.reporting.verdict_of_searches import tables_of_tests

_BEST = (
    *("model", "search", "val_accuracy", "full_val_accuracy", "test", "interval", "seeds"),
    CONFIG,
    *("best_epoch", "epochs", "state", "trials"),
)
_COSTS = (
    *("model", "search", "parameters", "mflops", "images_per_second", "epoch_seconds"),
    "best_seconds",
)
_COSTS_CAPTION = (
    "Speeds and times can be compared only on the same hardware at the same image size."
)


def compare_searches(searches: Sequence[StoredSearch]) -> list[Comparison]:
    """Return the tables that compare several searches.

    They show the differences on the test set, the best trials, the costs and, at the end, the
    settings of the searches.

    Raises:
        UserError: A search is given twice.
    """
    names = names_of(searches)
    best = _best(searches, names)
    tables = tables_of_tests(searches)
    if best["val_accuracy"].notna().any():
        tables += [_best_table(best), comparison("costs", "Costs", best, _COSTS, _COSTS_CAPTION)]
    return [*tables, _setups(searches, names)]


def _best_table(best: pd.DataFrame) -> Comparison:
    return comparison(
        "best",
        "Best trial of each architecture and search",
        best,
        _BEST,
        f"{SELECTED_CAPTION} Accuracies can be compared only between searches on the same data;"
        f" the number of validation images may differ.{TEST_CAPTION}{pruned_sentence(best)}"
        " A hyperparameter that a search does not vary has its default value.",
        folded=True,
        files_only=(*hidden_of_best(best), "full_val_accuracy"),
        headings=SELECTED_HEADINGS,
    )


def _best(searches: Sequence[StoredSearch], names: list[str]) -> pd.DataFrame:
    """Return the best trials by architecture, best first. A search without trials gets a row."""
    spaces = [results.space for results in searches]
    parts = []
    for results, name in zip(searches, names, strict=True):
        best = with_unsearched(best_trials(results), results.space, spaces)
        parts.append((best.reindex([0]) if best.empty else best).assign(search=name))
    return pd.concat(parts).sort_values(["model", "val_accuracy"], ascending=[True, False])


def _setups(searches: Sequence[StoredSearch], names: list[str]) -> Comparison:
    rows = []
    for results, name in zip(searches, names, strict=True):
        facts, options = results.experiment.facts, results.options
        rows.append(
            {
                "search": name,
                "data": facts.get("data"),
                "image_size": facts.get("image size"),
                "epochs": options.max_epochs,
                "seed": options.seed,
                "hardware": facts.get("hardware"),
            }
        )
    return comparison("setups", "Settings of the searches", pd.DataFrame(rows), tuple(rows[0]))
