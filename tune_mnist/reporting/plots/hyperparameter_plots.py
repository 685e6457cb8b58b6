"""What the hyperparameters do: Optuna's importances, slices, coordinates, contour and rank."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from optuna.importance import BaseImportanceEvaluator
from optuna.visualization import (
    plot_contour,
    plot_parallel_coordinate,
    plot_param_importances,
    plot_rank,
    plot_slice,
)
from plotly.colors import sample_colorscale

from tune_mnist.reporting.plots import text_format
from tune_mnist.reporting.plots.axes import power, set_ticks, stretch
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials, is_categorical
from tune_mnist.reporting.plots.hyperparameter_sentences import (
    choice_sentence,
    common_values,
    importances_sentence,
    rank_sentence,
    span_sentence,
)
from tune_mnist.reporting.plots.plot import BLUE, LOW_TO_HIGH, CannotDrawError, Plot, tidied
from tune_mnist.tuning.trials.reports import METRIC

MIN_TO_COMPARE = 4
MIN_FOR_IMPORTANCES = 8
_FILLED = "Cividis"
_SMALL = 1e-3


class _Computed(BaseImportanceEvaluator):
    """Hands out importances that are known: a forest of a large search takes a while to grow.

    Args:
        importances: by parameter.
    """

    def __init__(self, importances: dict[str, float]) -> None:
        self._importances = importances

    def evaluate(self, study: Any, params: Any = None, *, target: Any = None) -> dict[str, float]:
        """Return them, whatever the study."""
        return self._importances


def importances(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's parameter importances by fANOVA."""
    evaluated.require(MIN_FOR_IMPORTANCES, parameters=2)
    evaluated.require_differences()
    figure = plot_param_importances(
        evaluated.study,
        evaluator=_Computed(evaluated.importances),
        params=evaluated.shared,
        target_name=METRIC,
    )
    (bars,) = figure.data
    ordered = sorted(zip(bars.x, bars.y, strict=True), reverse=True)
    bars.update(marker_color=BLUE, hovertemplate="%{y}: %{x:.2f}<extra></extra>")
    tidied(figure, height=150 + 34 * len(ordered))
    figure.update_xaxes(title_text="share of the variance", range=[0, 1.12])
    figure.update_yaxes(title_text=None)
    return [
        Plot(
            "importances",
            "Parameter importances",
            importances_sentence(ordered, evaluated),
            figure,
        )
    ]


def slices(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's slices, one plot a parameter."""
    evaluated.require(MIN_TO_COMPARE)
    evaluated.require_differences()
    if not evaluated.distributions:
        raise CannotDrawError("no parameter varies")
    plots = []
    for name in evaluated.distributions:
        figure = plot_slice(evaluated.study, [name], target_name=METRIC)
        for trace in figure.data:
            trace.marker.update(
                size=8,
                colorscale=LOW_TO_HIGH,
                colorbar={"title": "trial", "xpad": 8, "thickness": 12},
            )
            trace.hovertemplate = "#%{marker.color}: %{customdata:.4f}<extra></extra>"
            # Optuna writes choices as Python would.
            trace.x = [x.strip("'") if isinstance(x, str) else x for x in trace.x]
        if figure.layout.xaxis.categoryarray is not None:
            choices = [choice.strip("'") for choice in figure.layout.xaxis.categoryarray]
            figure.update_xaxes(categoryarray=choices)
        _powers_of_ten(stretch(tidied(figure), METRIC), evaluated)
        sentence = (
            choice_sentence if is_categorical(evaluated.distributions[name]) else span_sentence
        )
        plots.append(Plot(f"slice-{name}", f"Slice: {name}", sentence(name, evaluated), figure))
    return plots


def parallel_coordinates(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's parallel coordinates, the better trials over the others."""
    evaluated.require(MIN_TO_COMPARE, parameters=2)
    evaluated.require_differences()
    figure = plot_parallel_coordinate(evaluated.study, evaluated.shared, target_name=METRIC)
    values = [record.val_accuracy for record in evaluated.records]
    low, high = min(values), max(values)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    for trace, record in zip(lines, evaluated.records, strict=True):
        share = (record.val_accuracy - low) / (high - low)
        (colour,) = sample_colorscale(LOW_TO_HIGH, [share])
        trace.line, trace.opacity = {"color": colour, "width": 1.5}, 0.8
        # Optuna has each value again as text here, of each trial at each axis.
        trace.customdata, trace.hovertemplate = None, f"#{record.number}<extra></extra>"
    order = sorted(range(len(lines)), key=values.__getitem__)
    # Without Optuna's colour bar, which says no more than the first axis and takes its room.
    figure.data = [lines[index] for index in order]
    tidied(figure, height=400)
    figure.update_layout(margin={"l": 44, "r": 34})
    labels = [label.replace("_", "_<br>") for label in figure.layout.xaxis.ticktext]
    figure.update_xaxes(ticktext=labels, tickfont={"size": 10})
    for annotation in figure.layout.annotations:
        annotation.text = _short_tick(annotation.text)
    best = evaluated.best_quarter
    in_common = text_format.listed(common_values(name, evaluated) for name in evaluated.shared)
    sentence = (
        f"The best {len(best)} of {len(values)} trials, each judged by its best epoch, have"
        f" {in_common}."
    )
    return [
        Plot("parallel", "Parallel coordinates", sentence, figure),
    ]


def contour(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's contour of the two most important parameters that are numbers."""
    first, second = _most_important_two(evaluated, numbers=True)
    figure = plot_contour(evaluated.study, [first, second], target_name=METRIC)
    # Nearly all of Optuna's grid, a line and a column a trial, is empty.
    figure.data[0].z = np.array(figure.data[0].z, dtype=np.float32)
    figure.update_traces(
        colorscale=_FILLED, colorbar={"thickness": 12}, selector={"type": "contour"}
    )
    figure.update_traces(
        marker={"size": 6, "color": "white", "line": {"color": "black", "width": 1}},
        hovertemplate=f"{figure.layout.xaxis.title.text} %{{x}}<br>"
        f"{figure.layout.yaxis.title.text} %{{y}}<extra></extra>",
        selector={"type": "scatter"},
    )
    best = evaluated.ranked[0]
    places = len({(str(r.config[first]), str(r.config[second])) for r in evaluated.records})
    sentence = (
        f"Of {first} and {second}, the most important parameters that are numbers, the best"
        f" trial (#{best.number}) has {text_format.number(best.config[first])} and"
        f" {text_format.number(best.config[second])}; the surface is interpolated between {places}"
        f" places (dots) and is a guess elsewhere."
    )
    tidied(figure)
    _powers_of_ten(figure, evaluated)
    return [Plot("contour", "Contour", sentence, figure)]


def rank(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's ranks over the two most important parameters."""
    first, second = _most_important_two(evaluated)
    figure = plot_rank(evaluated.study, [first, second], target_name=METRIC)
    ranks = pd.Series({r.number: r.val_accuracy for r in evaluated.records}).rank(ascending=False)
    (points, *scales) = figure.data
    shares = (len(ranks) - ranks) / max(1, len(ranks) - 1)
    points.marker.update(
        size=10, color=sample_colorscale(LOW_TO_HIGH, list(shares)), line={"width": 0}
    )
    for trace in scales:
        trace.marker.update(
            colorscale=LOW_TO_HIGH,
            colorbar={
                "thickness": 12,
                "title": {"text": "rank", "side": "right"},
                "ticktext": ["last", "", "", "", "first"],
            },
        )
    tidied(figure)
    _powers_of_ten(figure, evaluated)
    return [Plot("rank", "Rank", rank_sentence(first, ranks, evaluated), figure)]


def _most_important_two(evaluated: EvaluatedTrials, *, numbers: bool = False) -> tuple[str, str]:
    """Return the two parameters that explain most.

    Args:
        evaluated: the trials.
        numbers: leave out the parameters between whose values there is nothing.

    Raises:
        CannotDrawError: there are not two, or nothing to explain.
    """
    evaluated.require(MIN_FOR_IMPORTANCES, parameters=2)
    evaluated.require_differences()
    fit = [name for name in evaluated.importances if not numbers or _is_number(name, evaluated)]
    if len(fit) < 2:
        raise CannotDrawError(
            "it takes two parameters that are numbers, vary, and have no condition"
        )
    first, second, *_ = fit
    return first, second


def _is_number(name: str, evaluated: EvaluatedTrials) -> bool:
    return all(isinstance(value, int | float) for value in evaluated.values(name))


def _powers_of_ten(figure: go.Figure, evaluated: EvaluatedTrials) -> None:
    """Give round ticks to the axes that show a parameter by its logarithm."""
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.type == "log" and axis.title.text in evaluated.distributions:
            set_ticks(axis, evaluated.values(axis.title.text), power)


def _short_tick(text: str) -> str:
    """Return a number that Optuna has written along an axis in fewer letters."""
    try:
        value = float(text)
    except ValueError:
        return text
    return power(value) if 0 < abs(value) < _SMALL else f"{value:.3g}"
