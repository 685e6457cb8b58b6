"""What the hyperparameters do: Optuna's importances, slices, coordinates, contour and rank."""

import statistics
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
from scipy.stats import mannwhitneyu

from tune_mnist.reporting.plots import words
from tune_mnist.reporting.plots.accuracy_axis import stretch
from tune_mnist.reporting.plots.judged import Judged, is_categorical
from tune_mnist.reporting.plots.log_axis import power, set_ticks
from tune_mnist.reporting.plots.plot import BLUE, LOW_TO_HIGH, CannotDrawError, Plot, tidied
from tune_mnist.tuning.trials.reports import METRIC

LEAST_TO_COMPARE = 4
LEAST_FOR_IMPORTANCES = 8
LEAST_IN_A_GROUP = 5
SIGNIFICANT = 0.05
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


def importances(judged: Judged) -> list[Plot]:
    """Draw Optuna's parameter importances by fANOVA."""
    judged.require(LEAST_FOR_IMPORTANCES, parameters=2)
    judged.require_differences()
    figure = plot_param_importances(
        judged.study,
        evaluator=_Computed(judged.importances),
        params=judged.shared,
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
            _importances_sentence(ordered, judged),
            figure,
        )
    ]


def slices(judged: Judged) -> list[Plot]:
    """Draw Optuna's slices, one plot a parameter."""
    judged.require(LEAST_TO_COMPARE)
    judged.require_differences()
    if not judged.distributions:
        raise CannotDrawError("no parameter varies")
    plots = []
    for name in judged.distributions:
        figure = plot_slice(judged.study, [name], target_name=METRIC)
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
        _powers_of_ten(stretch(tidied(figure), METRIC), judged)
        describe = (
            _choice_sentence if is_categorical(judged.distributions[name]) else _span_sentence
        )
        plots.append(Plot(f"slice-{name}", f"Slice: {name}", describe(name, judged), figure))
    return plots


def parallel_coordinates(judged: Judged) -> list[Plot]:
    """Draw Optuna's parallel coordinates, the better trials over the others."""
    judged.require(LEAST_TO_COMPARE, parameters=2)
    judged.require_differences()
    figure = plot_parallel_coordinate(judged.study, judged.shared, target_name=METRIC)
    values = [record.val_accuracy for record in judged.records]
    low, high = min(values), max(values)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    for trace, record in zip(lines, judged.records, strict=True):
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
    best = judged.best_quarter
    in_common = words.listed(_in_common(name, judged) for name in judged.shared)
    sentence = (
        f"The best {len(best)} of {len(values)} trials, each judged by its best epoch, have"
        f" {in_common}."
    )
    return [
        Plot("parallel", "Parallel coordinates", sentence, figure),
    ]


def contour(judged: Judged) -> list[Plot]:
    """Draw Optuna's contour of the two most important parameters that are numbers."""
    first, second = _most_important_two(judged, numbers=True)
    figure = plot_contour(judged.study, [first, second], target_name=METRIC)
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
    best = judged.ranked[0]
    places = len({(str(r.config[first]), str(r.config[second])) for r in judged.records})
    sentence = (
        f"Of {first} and {second}, the most important parameters that are numbers, the best"
        f" trial (#{best.number}) has {words.number(best.config[first])} and"
        f" {words.number(best.config[second])}; the surface is interpolated between {places}"
        f" places (dots) and is a guess elsewhere."
    )
    tidied(figure)
    _powers_of_ten(figure, judged)
    return [Plot("contour", "Contour", sentence, figure)]


def rank(judged: Judged) -> list[Plot]:
    """Draw Optuna's ranks over the two most important parameters."""
    first, second = _most_important_two(judged)
    figure = plot_rank(judged.study, [first, second], target_name=METRIC)
    ranks = pd.Series({r.number: r.val_accuracy for r in judged.records}).rank(ascending=False)
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
    _powers_of_ten(figure, judged)
    return [Plot("rank", "Rank", _rank_sentence(first, ranks, judged), figure)]


def _importances_sentence(ordered: list[tuple[float, str]], judged: Judged) -> str:
    shares = words.listed(f"{name} {words.percent(share)}" for share, name in ordered[1:])
    share, name = ordered[0]
    sentence = (
        f"Of the variance of {METRIC} that single parameters explain between"
        f" {len(judged.records)} trials, {name} makes up {words.percent(share)}, {shares} (fANOVA,"
        f" each trial by its best epoch)"
    )
    conditional = [name for name in judged.distributions if name not in judged.shared]
    if conditional:
        verb = "exist" if len(conditional) > 1 else "exists"
        sentence += (
            f"; {words.listed(conditional)} {verb} in some trials only, and cannot take part"
        )
    return f"{sentence}."


def _choice_sentence(name: str, judged: Judged) -> str:
    """Compare the medians of the choices; call one the best only if its lead is more than luck."""
    by_choice: dict[Any, list[float]] = {}
    for record in judged.records:
        if name in record.config:
            by_choice.setdefault(record.config[name], []).append(record.val_accuracy)
    ordered = sorted(by_choice, key=lambda choice: -statistics.median(by_choice[choice]))
    best, *others = (
        f"{choice} with {words.accuracy(statistics.median(by_choice[choice]))}"
        f" ({words.count(len(by_choice[choice]), 'trial')})"
        for choice in ordered
    )
    champion = f"the best trial has {judged.ranked[0].config.get(name, 'none')}"
    doubt = _doubt([by_choice[choice] for choice in ordered])
    if doubt:
        medians = words.listed([best, *others])
        return f"Median {METRIC} by {name}: {medians}; {doubt}; {champion}."
    return (
        f"By the median of {METRIC}, the best {name} is {best}, before {words.listed(others)};"
        f" {champion}."
    )


def _doubt(groups: list[list[float]]) -> str:
    """Return why the first of some groups of accuracies cannot be called the best, or nothing.

    Its lead over each other group is tested by Mann and Whitney's rank test, with Bonferroni's
    correction for their number.
    """
    first, *others = groups
    if min(map(len, groups)) < LEAST_IN_A_GROUP:
        return f"a value with fewer than {LEAST_IN_A_GROUP} trials is too few to call one the best"
    for other in others:
        if mannwhitneyu(first, other).pvalue > SIGNIFICANT / len(others):
            return "the lead of the first is within what chance explains"
    return ""


def _span_sentence(name: str, judged: Judged) -> str:
    """Say where the best trials lie, and which way the ranks go."""
    having = [record for record in judged.records if name in record.config]
    best = [r for r in judged.best_quarter if name in r.config]
    frame = pd.DataFrame([(r.config[name], r.val_accuracy) for r in having]).rank()
    order = frame[0].corr(frame[1])
    tried = f"{words.span(judged.values(name))} was tried"
    count = len(judged.best_quarter)
    if len(best) == count:
        sentence = (
            f"The best {count} trials have {name} {words.span(r.config[name] for r in best)}"
        )
    elif best:
        where = words.span(r.config[name] for r in best)
        sentence = f"Of the best {count} trials, {len(best)} have {name}, {where}"
    else:
        sentence = f"None of the best {count} trials has {name}"
    sentence += f" ({tried})"
    if pd.isna(order):
        return f"{sentence}."
    return (
        f"{sentence}; its rank correlation with {METRIC} is {order:+.2f}"
        f" ({words.count(len(having), 'trial')})."
    )


def _in_common(name: str, judged: Judged) -> str:
    values = [record.config[name] for record in judged.best_quarter]
    if is_categorical(judged.distributions[name]):
        return f"{name} {words.shares(values)}" if len(set(values)) > 1 else f"{name} {values[0]}"
    return f"{name} {words.span(values)}"


def _most_important_two(judged: Judged, *, numbers: bool = False) -> tuple[str, str]:
    """Return the two parameters that explain most.

    Args:
        judged: the trials.
        numbers: leave out the parameters between whose values there is nothing.

    Raises:
        CannotDrawError: there are not two, or nothing to explain.
    """
    judged.require(LEAST_FOR_IMPORTANCES, parameters=2)
    judged.require_differences()
    fit = [name for name in judged.importances if not numbers or _is_number(name, judged)]
    if len(fit) < 2:
        raise CannotDrawError(
            "it takes two parameters that are numbers, vary, and have no condition"
        )
    first, second, *_ = fit
    return first, second


def _rank_sentence(name: str, ranks: "pd.Series[float]", judged: Judged) -> str:
    """Compare the ranks of the choices, or of the lower and the higher half of the values."""
    total = f"of {len(ranks)} (1 is the best)"
    if is_categorical(judged.distributions[name]):
        choices: dict[Any, list[float]] = {}
        for record in judged.records:
            choices.setdefault(record.config[name], []).append(ranks[record.number])
        ordered = sorted(choices, key=lambda choice: statistics.median(choices[choice]))
        best, *others = (f"{c} has rank {statistics.median(choices[c]):g}" for c in ordered)
        return f"In the median, {name} {best} {total}, {words.listed(others)}."
    middle = statistics.median(judged.values(name))
    lower = [ranks[r.number] for r in judged.records if r.config[name] <= middle]
    higher = [ranks[r.number] for r in judged.records if r.config[name] > middle]
    return (
        f"In the median, the trials with {name} up to {words.number(middle)} have rank"
        f" {statistics.median(lower):g} {total}, those above it"
        f" {statistics.median(higher) if higher else float('nan'):g}."
    )


def _is_number(name: str, judged: Judged) -> bool:
    return all(isinstance(value, int | float) for value in judged.values(name))


def _powers_of_ten(figure: go.Figure, judged: Judged) -> None:
    """Give round ticks to the axes that show a parameter by its logarithm."""
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.type == "log" and axis.title.text in judged.distributions:
            set_ticks(axis, judged.values(axis.title.text), power)


def _short_tick(text: str) -> str:
    """Return a number that Optuna has written along an axis in fewer letters."""
    try:
        value = float(text)
    except ValueError:
        return text
    return power(value) if 0 < abs(value) < _SMALL else f"{value:.3g}"
