"""Access to the results of a search from Python: tables, plots, models and Optuna study."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import plotly.graph_objects as go
import torch

from tune_mnist.api.calls import Models, load_networks
from tune_mnist.errors import UserError, unknown
from tune_mnist.inference import Classifier, EnsembleClassifier, load_ensemble
from tune_mnist.inference import load_model as load_trained_model
from tune_mnist.models import get_architecture
from tune_mnist.process import import_path_restored
from tune_mnist.reporting import stored_search
from tune_mnist.reporting.finals import by_configuration
from tune_mnist.reporting.plots import Drawn, draw
from tune_mnist.reporting.summary import search_tables
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.trial_record import TrialRecord, by_rank

_TITLE_SPACE = 60
"""Top margin for the title of a figure in pixels. The report page has its own titles."""


@dataclass(frozen=True)
class BestTrial:
    """Best trial of an architecture, ranked by validation accuracy.

    Attributes:
        model: Name of the architecture.
        trial: Number of the trial.
        epoch: Epoch with the best validation accuracy, starting at 1.
        val_accuracy: Best accuracy on the validation images of the search, from 0 to 1.
        full_val_accuracy: Accuracy of the trial's saved model on the whole validation split. None
            if the trials were validated on the whole split anyway, or if the model has not been
            measured yet.
        test_accuracies: Test accuracies of the final runs, keyed by seed. Empty if there is no
            final evaluation.
        config: Name of the model and hyperparameters at the best epoch, for use as arguments of
            ``run_training``.
    """

    model: str
    trial: int
    epoch: int
    val_accuracy: float
    full_val_accuracy: float | None
    test_accuracies: dict[int, float]
    config: dict[str, Any]


class SearchResults:
    """Results of a finished, interrupted or running search.

    Obtain an instance from ``load_results`` or ``run_search``.

    Attributes:
        directory: Results folder of the search.
        options: Options of the search.
        trials: Table with one row per trial, as in ``trials.csv``. Hyperparameters are those of
            the best epoch.
        study: Optuna study, for use with Optuna's own functions.
        failed_final_runs: One-line message for each final run that failed in the call of
            ``run_search`` that returned the instance. Empty in an instance from ``load_results``.
    """

    def __init__(self, stored: stored_search.StoredSearch) -> None:
        self._stored = stored
        self.directory: Path = stored.directory
        self.options: SearchOptions = stored.options
        self.trials: pd.DataFrame = stored.trials
        self.study: optuna.Study = stored.study
        self.failed_final_runs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        best = ", ".join(f"{name} {each.val_accuracy:.4f}" for name, each in self.best.items())
        return f"<SearchResults {self.name}: {len(self.trials)} trials; best {best or 'none yet'}>"

    @property
    def name(self) -> str:
        """Name of the search."""
        return self._stored.name

    @cached_property
    def best(self) -> dict[str, BestTrial]:
        """Best trial of each architecture, keyed by architecture, with the best trial first.

        The dictionary is empty until the first epoch of the search has ended.
        """
        best: dict[str, BestTrial] = {}
        for record in by_rank(self._stored.records):
            best.setdefault(record.config["model"], self._best_trial(record))
        return best

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables of the report with unrounded numbers, keyed by name (``best``, ``top``, ...)."""
        tables = search_tables(self._stored)
        return {
            table.name: (table.cells if table.values is None else table.values).convert_dtypes()
            for table in tables
        }

    @property
    def plot_names(self) -> tuple[str, ...]:
        """Names of the plots that ``plot`` can draw for this search."""
        return tuple(plot.key for plot in self._drawn.plots if plot.figure is not None)

    def plot(self, name: str) -> go.Figure:
        """Draw a plot of the report.

        Args:
            name: Name of the plot, one of ``plot_names``, for example ``"history"`` or
                ``"importances"``.

        Raises:
            UserError: The name is unknown, or there are too few trials for the plot.
        """
        for plot in self._drawn.plots:
            if plot.key == name and plot.figure is not None:
                return go.Figure(plot.figure).update_layout(
                    template="plotly_white",
                    title={"text": plot.title, "automargin": True},
                    margin_t=_TITLE_SPACE,
                )
        missing = "; ".join(f"{each.title}: {each.reason}" for each in self._drawn.left_out)
        if not self.plot_names:
            raise UserError(f"plot '{name}': there is nothing to draw yet: {missing}")
        left_out = f"; not drawn: {missing}" if missing else ""
        raise UserError(f"{unknown('plot', name, self.plot_names)}{left_out}")

    def load_model(self, model: str) -> Classifier:
        """Load the best model of an architecture, in evaluation mode on the CPU.

        Args:
            model: Name of the architecture.

        Returns:
            Module that maps raw images, uint8 (N, H, W), to class probabilities, including scaling
            and resizing. The attribute ``network`` is the trained network.

        Raises:
            UserError: The search has no model of this architecture, or its files are damaged.
        """
        get_architecture(model)
        folder = path_in(self.directory, "best", model)
        if not folder.is_dir():
            kept = ", ".join(self.best) or "none yet"
            raise UserError(f"{self.directory} has no best model of {model}; best models: {kept}")
        return load_trained_model(folder, torch.device("cpu"))

    def load_ensemble(self) -> EnsembleClassifier:
        """Load the ensemble of the search, in evaluation mode on the CPU.

        Returns:
            Module that maps raw images, uint8 (N, H, W), to class probabilities. It returns the
            mean of the probabilities of the networks in the ensemble.

        Raises:
            UserError: The search has no ensemble, or its files are damaged.
        """
        return load_ensemble(self.directory, torch.device("cpu"))

    @cached_property
    def _drawn(self) -> Drawn:
        return draw(self._stored)

    def _best_trial(self, record: TrialRecord) -> BestTrial:
        model = record.config["model"]
        runs = by_configuration(self._stored.final).get((model, record.number), [])
        return BestTrial(
            model=model,
            trial=record.number,
            epoch=record.best_epoch,
            val_accuracy=record.val_accuracy,
            full_val_accuracy=self._stored.full_val_accuracy.get((model, record.number)),
            test_accuracies={run.seed: run.test_accuracy for run in runs},
            config=dict(record.config_of(record.best_epoch)),
        )


def load_results(path: str | Path, models: Models = ()) -> SearchResults:
    """Read the results folder of a finished, interrupted or running search.

    The folder need not be trusted: modules named in it are not imported, and addresses and paths
    stored in it are not used.

    Args:
        path: Results folder of the search.
        models: Python files or modules that register your own networks, if any were searched.

    Raises:
        UserError: The folder is not the results folder of a search, or a file in it is damaged.
    """
    with import_path_restored():
        load_networks(models)
    return SearchResults(stored_search.read_search(Path(path)))
