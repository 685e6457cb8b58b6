"""Drawing of all plots of a search that have something to show."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import optuna

from tune_mnist.models.keywords import MODEL_PREFIX, is_keyword
from tune_mnist.reporting.plots import (
    cost_plots,
    hyperparameter_plots,
    prediction_plots,
    search_history,
)
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.reporting.plots.plot import CannotDrawError, Plot
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.training import CONFIG_COLUMNS
from tune_mnist.tuning.trials.reports import OBJECTIVES

Drawer = Callable[[EvaluatedTrials], list[Plot]]


def _comparable(drawer: Drawer) -> Drawer:
    """Restrict a plot to comparable accuracies: of the last stage, after a common epoch."""

    def draw_comparable(evaluated: EvaluatedTrials) -> list[Plot]:
        evaluated.require(1)
        return drawer(evaluated.at_best_stage.at_common_epoch)

    return draw_comparable


COURSE = "Course of the search"
EFFECTS = "Effects of the hyperparameters"
COST = "Accuracy and cost"
FINAL_PLOTS = "Final evaluation"

SECTIONS: dict[str, dict[str, Drawer]] = {
    FINAL_PLOTS: {
        "Confusion matrices": prediction_plots.confusion_matrices,
        "Misclassified images": prediction_plots.misclassified_images,
    },
    COST: {
        "Accuracy against training time": cost_plots.accuracy_by_time,
        "Accuracy against size": cost_plots.accuracy_by_size,
        "Accuracy against computation": cost_plots.accuracy_by_flops,
        "Pareto front": cost_plots.pareto_fronts,
    },
    EFFECTS: {
        "Parameter importances": _comparable(hyperparameter_plots.importances),
        "Parallel coordinates": _comparable(hyperparameter_plots.parallel_coordinates),
        "Contour": _comparable(hyperparameter_plots.contour),
        "Rank": _comparable(hyperparameter_plots.rank),
        "Slices": _comparable(hyperparameter_plots.slices),
    },
    COURSE: {
        "Optimization history": search_history.history,
        "Learning curves": search_history.learning_curves,
        "Values by epoch": search_history.intermediate_values,
        "Timeline": search_history.timeline,
    },
}
"""Functions that draw the plots, keyed by section of the page and title, in reading order."""

_KEYS = {
    "history",
    "curves",
    "intermediate",
    "timeline",
    *("importances", "parallel", "contour", "rank"),
    *("cost-time", "cost-size", "cost-flops"),
    *(f"slice-{name}" for name in CONFIG_COLUMNS),
    *(f"pareto-{name}" for name in OBJECTIVES),
}
_OF_A_MODEL = ("confusion-", "misclassified-", "misread-")
"""Prefixes of the plots of one architecture. Earlier versions used ``misread-``."""

_OF_A_KEYWORD = f"slice-{MODEL_PREFIX}"


def is_key(name: str, models: Iterable[str]) -> bool:
    """Return whether a name can be the key of a plot.

    Reports use this function to recognize the plot files of an earlier report.

    Args:
        name: Name to check, such as ``confusion-lenet``.
        models: Names of the architectures that a search can have.
    """
    of_model = name in {f"{kind}{model}" for kind in _OF_A_MODEL for model in models}
    of_keyword = name.startswith(_OF_A_KEYWORD) and is_keyword(name.removeprefix(_OF_A_KEYWORD))
    return name in _KEYS or of_model or of_keyword


@dataclass(frozen=True)
class LeftOut:
    """Plot that was not drawn.

    Attributes:
        title: Title of the plot.
        reason: Reason why the plot would show nothing.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class Section:
    """Plots of one section of the page.

    Attributes:
        plots: Plots in reading order.
        left_out: Plots that were not drawn, each with the reason.
    """

    plots: list[Plot]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class Drawn:
    """Plots of a search.

    Attributes:
        sections: Plots of each section, keyed by heading, in reading order.
    """

    sections: dict[str, Section]

    @property
    def plots(self) -> list[Plot]:
        """The plots of all sections."""
        return [plot for section in self.sections.values() for plot in section.plots]

    @property
    def left_out(self) -> list[LeftOut]:
        """The plots of all sections that were not drawn."""
        return [each for section in self.sections.values() for each in section.left_out]


def draw(results: StoredSearch) -> Drawn:
    """Draw all plots of a search that have something to show."""
    with _quiet_optuna():
        evaluated = EvaluatedTrials.of(results)
        return Drawn(
            {heading: _section(drawers, evaluated) for heading, drawers in SECTIONS.items()}
        )


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Context manager that hides Optuna's log messages, except for errors, and its warnings."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _section(drawers: dict[str, Drawer], evaluated: EvaluatedTrials) -> Section:
    section = Section([], [])
    for title, drawer in drawers.items():
        try:
            section.plots.extend(drawer(evaluated))
        except CannotDrawError as reason:
            section.left_out.append(LeftOut(title, str(reason)))
    return section
