"""Plots of hyperparameters: importances, slices, parallel coordinates, contour and rank."""

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from optuna.distributions import CategoricalDistribution
from optuna.visualization import plot_contour, plot_parallel_coordinate, plot_rank, plot_slice
from plotly.colors import sample_colorscale

from tune_mnist.reporting import text_format
from tune_mnist.reporting.plots.axes import power, set_ticks, stretch, whole_ticks
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.reporting.plots.hyperparameter_sentences import (
    choice_sentence,
    common_values,
    diverged_sentence,
    importances_sentence,
    rank_sentence,
    span_sentence,
)
from tune_mnist.reporting.plots.plot import (
    BLUE,
    FIRST_TO_LAST,
    GREY,
    LOW_TO_HIGH,
    CannotDrawError,
    Plot,
    tidied,
)
from tune_mnist.training import hyperparameter, short_number
from tune_mnist.tuning.trials.reports import METRIC

MIN_TO_COMPARE = 4
MIN_FOR_PAIRS = 8
MAX_AXES = 8
_MAX_GRID = 50
_SMALL = 1e-3


def importances(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw the importance of each parameter, with its bootstrap interval."""
    evaluated.require(1)
    found = evaluated.importances[::-1]
    figure = go.Figure()
    figure.add_bar(
        x=[each.share for each in found],
        y=[each.name for each in found],
        orientation="h",
        marker={"color": BLUE},
        error_x={
            "array": [each.high - each.share for each in found],
            "arrayminus": [each.share - each.low for each in found],
            "color": GREY,
            "thickness": 1.5,
        },
        customdata=[(each.low, each.high) for each in found],
        hovertemplate="%{y}: %{x:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})"
        "<extra></extra>",
    )
    tidied(figure, height=150 + 34 * len(found))
    figure.update_xaxes(title_text="share of the variance", range=[0, 1.05])
    sentence = importances_sentence(evaluated)
    return [Plot("importances", "Parameter importances", sentence, figure)]


def slices(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's slice plot of each parameter, with the accuracies after one epoch.

    A parameter that takes effect over a whole training, such as the learning rate schedule, is
    shown only for trials that reached the last epoch, and gets no plot if they are too few.
    """
    evaluated.require(MIN_TO_COMPARE)
    evaluated.require_differences()
    if not evaluated.distributions:
        raise CannotDrawError("no parameter varies")
    plots = []
    for name in evaluated.distributions:
        late = hyperparameter(name).whole_training
        compared = evaluated.at_last_epoch() if late else evaluated
        if len(compared.records) >= MIN_TO_COMPARE and name in compared.distributions:
            plots.append(_slice(name, compared))
    return plots


def _slice(name: str, evaluated: EvaluatedTrials) -> Plot:
    figure = plot_slice(evaluated.study, [name], target_name=METRIC)
    for trace in figure.data:
        trace.marker.update(
            size=8,
            colorscale=FIRST_TO_LAST,
            colorbar={"title": "trial", "xpad": 8, "thickness": 12}
            | whole_ticks(max(trace.marker.color) - min(trace.marker.color) + 1),
        )
        trace.hovertemplate = "#%{marker.color}: %{customdata:.4f}<extra></extra>"
        # Optuna writes choices as Python literals.
        trace.x = [x.strip("'") if isinstance(x, str) else x for x in trace.x]
    if figure.layout.xaxis.categoryarray is not None:
        choices = [choice.strip("'") for choice in figure.layout.xaxis.categoryarray]
        figure.update_xaxes(categoryarray=choices)
    _powers_of_ten(stretch(tidied(figure), METRIC), evaluated)
    describe = choice_sentence if evaluated.is_categorical(name) else span_sentence
    sentence = f"{describe(name, evaluated)} {diverged_sentence(evaluated)}".rstrip()
    return Plot(f"slice-{name}", f"Slice: {name}", sentence, figure)


def parallel_coordinates(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's parallel coordinates, with better trials on top of the others."""
    evaluated.require(MIN_TO_COMPARE, parameters=2)
    evaluated.require_differences()
    names = _by_importance(evaluated)[:MAX_AXES]
    figure = plot_parallel_coordinate(evaluated.study, names, target_name=METRIC)
    values = {record.number: record.val_accuracy for record in evaluated.records}
    low, high = min(values.values()), max(values.values())
    lines = dict(zip(_line_order(evaluated, names), _lines(figure), strict=True))
    for number, trace in lines.items():
        (colour,) = sample_colorscale(LOW_TO_HIGH, [(values[number] - low) / (high - low)])
        trace.line, trace.opacity = {"color": colour, "width": 1.5}, 0.8
        # Optuna repeats each value as text here, for each trial at each axis.
        trace.customdata, trace.hovertemplate = None, f"#{number}<extra></extra>"
    # Optuna's colour bar is left out, because it repeats the first axis and takes its space.
    figure.data = [lines[number] for number in sorted(lines, key=values.__getitem__)]
    tidied(figure, height=400)
    figure.update_layout(margin={"l": 44, "r": 34})
    labels = [label.replace("_", "_<br>") for label in figure.layout.xaxis.ticktext]
    figure.update_xaxes(ticktext=labels, tickfont={"size": 10})
    for annotation in figure.layout.annotations:
        annotation.text = _short_tick(annotation.text)
    best = evaluated.best_quarter
    in_common = text_format.listed(common_values(name, evaluated) for name in names)
    sentence = (
        f"The best {len(best)} of {len(values)} trials {evaluated.when} have {in_common}. Lines"
        f" are colored by {METRIC}, from orange (lowest) to blue (highest)."
    )
    return [Plot("parallel", "Parallel coordinates", sentence, figure)]


def _line_order(evaluated: EvaluatedTrials, names: list[str]) -> list[int]:
    """Return the numbers of the trials in the order in which Optuna draws their lines.

    Optuna 5 sorts the trials by their categorical parameters with numeric choices, and its traces
    do not contain the numbers of the trials. With the number as the target, the first axis does.
    """
    figure = plot_parallel_coordinate(
        evaluated.study, names, target=lambda trial: trial.number, target_name="number"
    )
    numbers = [record.number for record in evaluated.records]
    low, high = min(numbers), max(numbers)
    return [round(low + (high - low) * trace.y[0]) for trace in _lines(figure)]


def _lines(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.mode == "lines"]


def contour(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's contour plot of the two most important numeric parameters."""
    first, second = _two_parameters(evaluated, numbers=True)
    figure = plot_contour(evaluated.study, [first, second], target_name=METRIC)
    _coarsen(figure.data[0])
    figure.update_traces(
        colorscale=LOW_TO_HIGH, colorbar={"thickness": 12}, selector={"type": "contour"}
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
        f"The best trial {evaluated.when}, #{best.number}, has"
        f" {first} {short_number(best.config[first])} and"
        f" {second} {short_number(best.config[second])}. The surface is interpolated between"
        f" {places} points (dots), and only a guess elsewhere."
    )
    tidied(figure)
    _powers_of_ten(figure, evaluated)
    return [Plot("contour", "Contour", sentence, figure)]


def rank(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's rank plot of the two most important parameters."""
    first, second = _two_parameters(evaluated)
    figure = plot_rank(evaluated.study, [first, second], target_name=METRIC)
    ranks = pd.Series({r.number: r.val_accuracy for r in evaluated.records}).rank(ascending=False)
    (points, *scales) = figure.data
    shares = (len(ranks) - ranks) / max(1, len(ranks) - 1)
    points.marker.update(
        size=10, color=sample_colorscale(LOW_TO_HIGH, list(shares)), line={"width": 0}
    )
    points.update(
        text=[f"#{number}" for number in ranks.index],
        hovertext=None,  # Optuna lists all parameters here, which makes the page larger.
        hovertemplate="%{text}<br>%{x}, %{y}<extra></extra>",
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
    for side, name in (("x", first), ("y", second)):
        distribution = evaluated.distributions[name]
        if isinstance(distribution, CategoricalDistribution):
            # Optuna shows choices that are numbers on a numeric axis. As text, because plotly
            # writes the number 0.0 as 0.
            points[side] = [str(value) for value in points[side]]
            choices = [str(choice) for choice in distribution.choices]
            axis = figure.layout[f"{side}axis"]
            axis.update(type="category", range=None, categoryarray=choices)
    _powers_of_ten(figure, evaluated)
    return [Plot("rank", "Rank", rank_sentence(first, ranks, evaluated), figure)]


def _coarsen(surface: go.Contour) -> None:
    """Merge rows and columns of Optuna's grid, which has one row and one column per trial.

    Nearly all cells of the grid are empty. With 200 trials, it would take a tenth of the page.
    """
    z = np.array(surface.z, dtype=np.float64)
    rows, columns = (np.array_split(np.arange(size), min(size, _MAX_GRID)) for size in z.shape)
    merged = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        cell = z[np.ix_(rows[i], columns[j])]
        if not np.isnan(cell).all():
            merged[i, j] = np.nanmean(cell)
    x, y = np.array(surface.x, dtype=float), np.array(surface.y, dtype=float)
    surface.update(
        x=[x[places].mean() for places in columns],
        y=[y[places].mean() for places in rows],
        z=merged,
    )


def _two_parameters(evaluated: EvaluatedTrials, *, numbers: bool = False) -> tuple[str, str]:
    """Return the two most important parameters, or the first two if importances are unknown.

    Args:
        evaluated: Trials to draw.
        numbers: Whether both parameters must be numeric.

    Raises:
        CannotDrawError: There are too few parameters or trials, or all accuracies are equal.
    """
    evaluated.require(MIN_FOR_PAIRS, parameters=2)
    evaluated.require_differences()
    fit = _by_importance(evaluated)
    if numbers:
        fit = [
            name
            for name in fit
            if all(isinstance(value, int | float) for value in evaluated.values(name))
        ]
        # Between a few choices there is nothing to interpolate.
        fit.sort(key=evaluated.is_categorical)
    if len(fit) < 2:
        kind = "numeric " if numbers else ""
        raise CannotDrawError(f"fewer than 2 {kind}parameters vary and exist in every trial")
    first, second, *_ = fit
    return first, second


def _by_importance(evaluated: EvaluatedTrials) -> list[str]:
    """Return the shared parameters, by importance if it is known, otherwise as in the space.

    Parameters that take effect over a whole training are left out.
    """
    names = [name for name in evaluated.shared if not hyperparameter(name).whole_training]
    try:
        important = [each.name for each in evaluated.importances]
    except CannotDrawError:
        important = []
    ranked = [name for name in important if name in names]
    return ranked + [name for name in names if name not in ranked]


def _powers_of_ten(figure: go.Figure, evaluated: EvaluatedTrials) -> None:
    """Set round ticks on the axes that show a parameter on a logarithmic scale."""
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.type == "log" and axis.title.text in evaluated.distributions:
            set_ticks(axis, evaluated.values(axis.title.text), power)


def _short_tick(text: str) -> str:
    """Shorten a number that Optuna has written along an axis."""
    try:
        value = float(text)
    except ValueError:
        return text
    return power(value) if 0 < abs(value) < _SMALL else f"{value:.3g}"
