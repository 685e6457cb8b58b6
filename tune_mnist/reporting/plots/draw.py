"""All plots of a search, as far as they show anything."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import optuna

from tune_mnist.models.keywords import MODEL_PREFIX, is_keyword
from tune_mnist.reporting.plots import (
    cost_plots,
    hyperparameter_plots,
    prediction_plots,
    search_history,
)
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials, quiet_optuna
from tune_mnist.reporting.plots.plot import CannotDrawError, Plot
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.training import CONFIG_COLUMNS
from tune_mnist.tuning.trials.reports import OBJECTIVES

Drawer = Callable[[EvaluatedTrials], list[Plot]]


def _of_one_stage(drawer: Drawer) -> Drawer:
    """Let a plot show only trials whose accuracies compare."""

    def draw_comparable(evaluated: EvaluatedTrials) -> list[Plot]:
        evaluated.require(1)
        return drawer(evaluated.at_best_stage())

    return draw_comparable


SECTIONS: dict[str, dict[str, Drawer]] = {
    "How the search went": {
        "Optimisation history": search_history.history,
        "Learning curves": search_history.learning_curves,
        "Values by epoch": search_history.intermediate_values,
        "Timeline": search_history.timeline,
    },
    "What the hyperparameters do": {
        "Parameter importances": _of_one_stage(hyperparameter_plots.importances),
        "Parallel coordinates": _of_one_stage(hyperparameter_plots.parallel_coordinates),
        "Contour": _of_one_stage(hyperparameter_plots.contour),
        "Rank": _of_one_stage(hyperparameter_plots.rank),
        "Slices": _of_one_stage(hyperparameter_plots.slices),
    },
    "What the architectures give and cost": {
        "Accuracy against training time": cost_plots.accuracy_by_time,
        "Accuracy against size": cost_plots.accuracy_by_size,
        "Accuracy against computation": cost_plots.accuracy_by_flops,
        "Pareto front": cost_plots.pareto_fronts,
        "Confusion matrices": prediction_plots.confusion_matrices,
        "Misread images": prediction_plots.misclassified_images,
    },
}


_KEYS = {
    *("history", "curves", "intermediate", "timeline"),
    *("importances", "parallel", "contour", "rank"),
    *("cost-time", "cost-size", "cost-flops"),
    *(f"slice-{name}" for name in CONFIG_COLUMNS),
    *(f"pareto-{name}" for name in OBJECTIVES),
}
_OF_A_MODEL = ("confusion-", "misread-")
_OF_A_KEYWORD = f"slice-{MODEL_PREFIX}"


def is_key(name: str, models: Iterable[str]) -> bool:
    """Return whether a plot of a search may have this key.

    Args:
        name: Key, such as ``confusion-lenet``.
        models: Architectures that the search may have.
    """
    of_model = name in {f"{kind}{model}" for kind in _OF_A_MODEL for model in models}
    of_keyword = name.startswith(_OF_A_KEYWORD) and is_keyword(name.removeprefix(_OF_A_KEYWORD))
    return name in _KEYS or of_model or of_keyword


@dataclass(frozen=True)
class LeftOut:
    """A plot that was not drawn.

    Attributes:
        title: of the plot.
        reason: why it would show nothing.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class Drawn:
    """The plots of a search.

    Attributes:
        sections: by heading, its plots; a section without any is left out.
        left_out: what was not drawn, and why.
    """

    sections: dict[str, list[Plot]]
    left_out: list[LeftOut]

    @property
    def plots(self) -> list[Plot]:
        """All of them."""
        return [plot for plots in self.sections.values() for plot in plots]


def draw(results: StoredSearch) -> Drawn:
    """Draw all plots of a search."""
    sections: dict[str, list[Plot]] = {}
    left_out = []
    with quiet_optuna(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluated = EvaluatedTrials.of(results)
        for heading, drawers in SECTIONS.items():
            for title, drawer in drawers.items():
                try:
                    sections.setdefault(heading, []).extend(drawer(evaluated))
                except CannotDrawError as reason:
                    left_out.append(LeftOut(title, str(reason)))
    return Drawn({heading: plots for heading, plots in sections.items() if plots}, left_out)
