"""Comparison tables: by architecture, and the best trials; for the terminal and for Markdown."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

TOP = 10
COLUMNS = {
    "model": "model",
    "val_accuracy": "val_accuracy",
    "full_val_accuracy": "on all validation images",
    "lr": "lr",
    "batch_size": "batch",
    "dropout": "dropout",
    "optimizer": "optimizer",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "best_epoch": "best epoch",
    "epochs": "epochs",
    "parameters": "parameters",
    "images_per_second": "images/s",
    "train_seconds": "seconds",
    "trials": "trials",
    "trial": "trial",
    "state": "state",
}
FORMATS = {
    "val_accuracy": "{:.4f}",
    "full_val_accuracy": "{:.4f}",
    "lr": "{:.2e}",
    "dropout": "{:.2f}",
    "momentum": "{:.2f}",
    "weight_decay": "{:.1e}",
    "images_per_second": "{:,.0f}",
    "train_seconds": "{:.1f}",
    "parameters": "{:,.0f}",
}
BY_ARCHITECTURE = (
    "model",
    "val_accuracy",
    "full_val_accuracy",
    "lr",
    "batch_size",
    "dropout",
    "optimizer",
    "momentum",
    "weight_decay",
    "best_epoch",
    "parameters",
    "images_per_second",
    "train_seconds",
    "trials",
)
TOP_TRIALS = (
    "trial",
    "model",
    "val_accuracy",
    "lr",
    "batch_size",
    "dropout",
    "optimizer",
    "momentum",
    "weight_decay",
    "best_epoch",
    "epochs",
    "state",
)

PARETO = (
    "trial",
    "model",
    "val_accuracy",
    "parameters",
    "train_seconds",
    "lr",
    "batch_size",
    "dropout",
    "optimizer",
    "momentum",
    "weight_decay",
)

MISSING = "-"
_HYPERPARAMETER_HEADINGS = ("optimizer", "lr", "batch", "dropout", "momentum", "weight decay")
_WIDE_HEADINGS = ("parameters", "seconds", "trials", "best epoch")


@dataclass(frozen=True)
class Comparison:
    """One comparison table.

    Attributes:
        title: what it compares.
        cells: one row a line, all cells ready to print, headings as column names.
    """

    title: str
    cells: pd.DataFrame

    def to_rich(self) -> Table:
        """Return the table for a terminal; hyperparameters share a column, to save width."""
        hyperparameters = [h for h in _HYPERPARAMETER_HEADINGS if h in self.cells]
        left_out = [*hyperparameters, *(h for h in _WIDE_HEADINGS if h in self.cells)]
        if len(self.cells) > 1 and self.cells["model"].nunique() == 1:
            left_out.append("model")  # which it is, the table by architecture says
        kept = self.cells.drop(columns=left_out)
        table = Table(title=self.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for heading in kept.columns:
            left = heading in ("model", "state")
            table.add_column(heading, justify="left" if left else "right", no_wrap=left)
        table.add_column("hyperparameters", ratio=1)
        for number, row in enumerate(kept.itertuples(index=False)):
            chosen = self.cells[hyperparameters].iloc[number]
            words = [
                value if key == "optimizer" else f"{key} {value}"
                for key, value in chosen.items()
                if value != MISSING
            ]
            table.add_row(*row, ", ".join(words))
        return table

    def to_markdown(self) -> str:
        """Return the table as a Markdown section."""
        return f"## {self.title}\n\n{self.cells.to_markdown(index=False, disable_numparse=True)}\n"


def compare(
    trials: pd.DataFrame,
    full_val_accuracy: dict[str, float],
    directions: dict[str, str] | None = None,
) -> list[Comparison]:
    """Return the comparison tables of a search.

    Args:
        trials: one row a trial, as in ``trials.csv``.
        full_val_accuracy: by architecture, its best model's accuracy on all validation images;
            empty if the trials were judged by all of them anyway.
        directions: by objective, ``max`` or ``min``; with several, their Pareto set comes first.
    """
    judged = trials.dropna(subset=["val_accuracy"]).sort_values(
        ["val_accuracy", "trial"], ascending=[False, True]
    )
    best = judged.drop_duplicates("model").copy()
    best["trials"] = best["model"].map(trials["model"].value_counts())
    best["full_val_accuracy"] = best["model"].map(full_val_accuracy)
    tables = [
        Comparison("Best trial of each architecture", _cells(best, BY_ARCHITECTURE)),
        Comparison(f"Top {min(TOP, len(judged))} trials", _cells(judged.head(TOP), TOP_TRIALS)),
    ]
    if directions and len(directions) > 1:
        title = f"Pareto set of {' and '.join(directions)}"
        tables.insert(0, Comparison(title, _cells(pareto_set(judged, directions), PARETO)))
    return tables


def pareto_set(trials: pd.DataFrame, directions: dict[str, str]) -> pd.DataFrame:
    """Return the trials that no other beats in one objective without losing in another.

    Args:
        trials: one row a trial.
        directions: by objective, a column of the trials, ``max`` or ``min``.
    """
    signs = [1 if direction == "max" else -1 for direction in directions.values()]
    values = trials[list(directions)].to_numpy(dtype=float) * signs
    beaten = [
        bool(((values >= row).all(axis=1) & (values > row).any(axis=1)).any()) for row in values
    ]
    return trials[[not lost for lost in beaten]]


def to_markdown(
    title: str, facts: dict[str, Any], tables: list[Comparison], failures: list[str]
) -> str:
    """Return the whole summary: what was done, the tables, and what failed."""
    lines = [f"# {title}", "", *(f"- **{key}**: {value}" for key, value in facts.items()), ""]
    lines += [table.to_markdown() for table in tables]
    if failures:
        lines += ["## Trials without a result", "", *(f"- {line}" for line in failures), ""]
    return "\n".join(lines)


def _cells(trials: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Format the columns that say anything, under their headings."""
    shown = [column for column in columns if trials[column].notna().any()]
    return pd.DataFrame(
        {COLUMNS[column]: [_cell(column, value) for value in trials[column]] for column in shown}
    )


def _cell(column: str, value: Any) -> str:
    if pd.isna(value):
        return MISSING
    if column in FORMATS:
        return FORMATS[column].format(value)
    return f"{value:.0f}" if isinstance(value, float) else str(value)
