"""What the architectures give and cost: accuracy against cost, Pareto sets, what is misread."""

import base64
import io
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from optuna.trial import FrozenTrial
from optuna.visualization import plot_pareto_front
from PIL import Image

from tune_mnist.data.form import class_name
from tune_mnist.errors import UserError
from tune_mnist.reporting.network_cost import mflops
from tune_mnist.reporting.plots import words
from tune_mnist.reporting.plots.axes import set_ticks, short, stretch
from tune_mnist.reporting.plots.judged import Judged
from tune_mnist.reporting.plots.plot import (
    BLUE,
    COLOURS,
    GREY,
    SYMBOLS,
    CannotDrawError,
    Picture,
    Plot,
    tidied,
)
from tune_mnist.tuning.final.misread import read_misread
from tune_mnist.tuning.final.runs import final_folder
from tune_mnist.tuning.recording.records import TrialRecord
from tune_mnist.tuning.trials.reports import METRIC

PICTURES = 24
_NO_FINAL_RUNS = "there was no final evaluation"
_MISREAD_SCALE = [[0, "rgba(199,119,0,0.1)"], [1, "rgba(199,119,0,0.65)"]]
_LEAST_ARCHITECTURES = 2
_WHOLE = 10  # from here on decimals say nothing


def accuracy_by_time(judged: Judged) -> list[Plot]:
    """Draw the validation accuracy of each trial against the time it trained."""
    judged.require(1)
    figure = go.Figure()
    best = _best_by_model(judged)
    for index, model in enumerate(best):
        records = [record for record in judged.records if record.config["model"] == model]
        figure.add_scatter(
            x=[record.train_seconds for record in records],
            y=[record.val_accuracy for record in records],
            text=[f"#{record.number}" for record in records],
            mode="markers",
            name=model,
            marker={
                "color": COLOURS[index % len(COLOURS)],
                "symbol": SYMBOLS[index % len(SYMBOLS)],
                "size": 9,
            },
            hovertemplate="%{text}: %{customdata:.4f}, %{x:.1f} s<extra>%{fullData.name}</extra>",
        )
    stretch(tidied(figure), METRIC)
    figure.update_layout(showlegend=True)
    _cost_axis(figure, "seconds trained", [record.train_seconds for record in judged.records])
    parts = [
        f"of {model}, #{record.number} reached {words.accuracy(record.val_accuracy)} in"
        f" {words.seconds(record.train_seconds)}"
        for model, record in best.items()
    ]
    sentence = f"The best trials and how long they trained: {words.listed(parts)}."
    return [Plot("cost-time", "Accuracy against training time", sentence, figure)]


def accuracy_by_size(judged: Judged) -> list[Plot]:
    """Draw the best validation accuracy of each architecture, and its tests, against its size."""
    best = _best_by_model(judged)
    sizes = {model: float(record.last["parameters"]) for model, record in best.items()}
    return [_accuracy_by_cost(judged, "cost-size", "Accuracy against size", "parameters", sizes)]


def accuracy_by_flops(judged: Judged) -> list[Plot]:
    """Draw the same against the floating-point operations that an image takes."""
    best = _best_by_model(judged)
    flops = {model: mflops(judged.results, record) for model, record in best.items()}
    title = "Accuracy against computation"
    return [_accuracy_by_cost(judged, "cost-flops", title, "MFLOPs an image", flops)]


def pareto_fronts(judged: Judged) -> list[Plot]:
    """Draw Optuna's Pareto front, a plot for each objective beside the accuracy."""
    names = judged.results.options.objective.split(",")
    if len(names) == 1:
        raise CannotDrawError(f"the search has one objective only, {names[0]}")
    study = judged.with_objectives()
    values = {t.number: t.values for t in study.get_trials(deepcopy=False) if t.values}
    if not values:
        raise CannotDrawError("no trial has trained all its epochs")
    front = {trial.number: values[trial.number] for trial in study.best_trials}
    plots = []
    for index, name in enumerate(names[1:], start=1):
        figure = plot_pareto_front(
            study, target_names=[name, METRIC], targets=_cost_and_accuracy(index)
        )
        _restyle_pareto(figure)
        stretch(tidied(figure), METRIC)
        _cost_axis(figure, name, [costs[index] for costs in values.values()])
        best = max(front, key=lambda number: front[number][0])
        cheapest = min(front, key=_cost_in(front, index))
        first, last = (
            f"#{number} with {words.accuracy(front[number][0])} at {front[number][index]:,.0f}"
            for number in (best, cheapest)
        )
        reach = "none is better or cheaper than" if best == cheapest else f"from {first} {name} to"
        sentence = (
            f"{len(front)} of {words.count(len(values), 'complete trial')} are beaten by no other"
            f" in all of {words.listed(names)}: {reach} {last}."
        )
        plots.append(Plot(f"pareto-{name}", f"Pareto front: {name}", sentence, figure))
    return plots


def confusion_matrices(judged: Judged) -> list[Plot]:
    """Draw the confusion matrix of each architecture, summed over its final runs."""
    if not judged.results.final:
        raise CannotDrawError(_NO_FINAL_RUNS)
    plots = []
    names = judged.results.class_names
    for model in sorted({run.model for run in judged.results.final}):
        runs = [run for run in judged.results.final if run.model == model]
        confusion = np.sum([run.confusion for run in runs], axis=0)
        plots.append(
            Plot(
                f"confusion-{model}",
                f"Confusion matrix: {model}",
                _confusion_sentence(model, confusion, len(runs), names),
                _confusion_figure(confusion, names),
            )
        )
    return plots


def misread_digits(judged: Judged) -> list[Plot]:
    """Show the surest mistakes of each architecture."""
    if not judged.results.final:
        raise CannotDrawError(_NO_FINAL_RUNS)
    plots = []
    named = partial(class_name, judged.results.class_names)
    for model in sorted({run.model for run in judged.results.final}):
        try:
            misread = read_misread(final_folder(judged.results.directory, model))
        except UserError as error:
            raise CannotDrawError(str(error)) from None
        if misread is None or not len(misread.images):
            continue
        shown = range(min(PICTURES, len(misread.images)))
        pictures = tuple(
            Picture(
                _data_uri(misread.images[index]),
                f"{named(misread.truth[index])} read as {named(misread.predicted[index])},"
                f" {words.percent(float(misread.probability[index]))}",
            )
            for index in shown
        )
        pairs = Counter((int(misread.truth[i]), int(misread.predicted[i])) for i in shown)
        ((truth, predicted), times), *_ = pairs.most_common()
        surest = float(misread.probability[0])
        sentence = (
            f"The {words.count(len(shown), 'surest mistake')} of {model} on the test images (first"
            f" final run), up to {words.percent(surest)} sure; {named(truth)} read as"
            f" {named(predicted)} is the most frequent of them, {words.count(times, 'time')}."
        ).replace("The 1 surest", "The one surest")
        plots.append(Plot(f"misread-{model}", f"Misread: {model}", sentence, pictures=pictures))
    if not plots:
        raise CannotDrawError("no misread images were kept")
    return plots


def _accuracy_by_cost(
    judged: Judged, key: str, title: str, unit: str, costs: dict[str, float]
) -> Plot:
    """Draw the best of each architecture, and its final runs, against what it costs."""
    judged.require(1)
    best = _best_by_model(judged)
    if len(best) < _LEAST_ARCHITECTURES:
        raise CannotDrawError(f"only one architecture has a result: {next(iter(best))}")
    figure = go.Figure()
    for index, (model, record) in enumerate(best.items()):
        look = {"color": COLOURS[index % len(COLOURS)], "size": 10}
        symbol = SYMBOLS[index % len(SYMBOLS)]
        figure.add_scatter(
            x=[costs[model]],
            y=[record.val_accuracy],
            mode="markers",
            name=model,
            marker=look | {"symbol": symbol},
            hovertemplate="validation: %{customdata:.4f}<extra>%{fullData.name}</extra>",
        )
        runs = [run for run in judged.results.final if run.model == model]
        figure.add_scatter(
            x=[costs[model]] * len(runs),
            y=[run.test_accuracy for run in runs],
            text=[f"seed {run.seed}" for run in runs],
            mode="markers",
            name=model,
            showlegend=False,
            marker=look | {"symbol": f"{symbol}-open", "line": {"width": 2}},
            hovertemplate="test, %{text}: %{customdata:.4f}<extra>%{fullData.name}</extra>",
        )
    stretch(tidied(figure), "accuracy")
    _cost_axis(figure, unit, list(costs.values()))
    sentence = _cost_sentence(best, costs, unit)
    if judged.results.final:
        sentence += " Open marks are the test accuracies of the final runs."
    return Plot(key, title, sentence, figure)


def _best_by_model(judged: Judged) -> dict[str, TrialRecord]:
    """Return the best record of each architecture, the best architecture first."""
    best: dict[str, TrialRecord] = {}
    for record in judged.ranked:
        best.setdefault(record.config["model"], record)
    return best


def _cost_axis(figure: go.Figure, title: str, values: list[float]) -> None:
    """Let the x axis show a cost by its logarithm."""
    figure.update_xaxes(title_text=title)
    set_ticks(figure.layout.xaxis, values, short)


def _cost_sentence(best: dict[str, TrialRecord], costs: dict[str, float], unit: str) -> str:
    (first, champion), *_ = best.items()
    cheapest = min(costs, key=lambda model: costs[model])
    accuracy, cost = words.accuracy(champion.val_accuracy), f"{costs[first]:.2g} {unit}"
    if costs[first] >= _WHOLE:
        cost = f"{costs[first]:,.0f} {unit}"
    if first == cheapest:
        return f"The cheapest architecture, {first}, is the best as well: {accuracy} with {cost}."
    return (
        f"{first} is the best with {accuracy} and {cost},"
        f" {costs[first] / costs[cheapest]:,.0f} times those of {cheapest}, which reaches"
        f" {words.accuracy(best[cheapest].val_accuracy)}."
    )


def _cost_and_accuracy(index: int) -> Callable[[FrozenTrial], list[float]]:
    return lambda trial: [trial.values[index], trial.values[0]]


def _cost_in(front: dict[int, list[float]], index: int) -> Callable[[int], float]:
    return lambda number: front[number][index]


def _restyle_pareto(figure: go.Figure) -> None:
    """Give the two kinds of trials our colours, and a hover text that fits the screen."""
    kinds = (("beaten", GREY, "circle-open", 8), ("Pareto set", BLUE, "circle", 10))
    for trace, (name, colour, symbol, size) in zip(figure.data, kinds, strict=True):
        numbers = [int(text.split('"number": ')[1].split(",")[0]) for text in trace.text or ()]
        trace.marker = {"color": colour, "symbol": symbol, "size": size}
        trace.update(
            name=name,
            text=[f"#{number}" for number in numbers],
            hovertemplate="%{text}: %{customdata:.4f}, %{x:,}<extra></extra>",
            showlegend=True,
        )


def _confusion_sentence(
    model: str, confusion: NDArray[np.int64], runs: int, names: Sequence[str]
) -> str:
    wrong = confusion - np.diag(np.diag(confusion))
    total = int(confusion.sum())
    sentence = (
        f"Over {words.count(runs, 'final run')}, {model} misread {int(wrong.sum()):,} of"
        f" {total:,} test images"
    )
    if not wrong.any():
        return f"{sentence}."
    truth, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return (
        f"{sentence}, most often {names[int(truth)]} as {names[int(predicted)]}"
        f" ({words.count(int(wrong[truth, predicted]), 'time')})."
    )


def _confusion_figure(confusion: NDArray[np.int64], names: Sequence[str]) -> go.Figure:
    """Draw the mistakes as colours; the right answers, a hundred times as many, as numbers."""
    classes = words.axis_labels(names)
    wrong = confusion.astype(float)
    np.fill_diagonal(wrong, np.nan)
    wrong[wrong == 0] = np.nan
    figure = go.Figure(
        go.Heatmap(
            x=classes,
            y=classes,
            z=wrong,
            zmin=0,
            colorscale=_MISREAD_SCALE,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="%{y} read as %{x}: %{z}<extra></extra>",
        )
    )
    places = [(t, p) for t in range(len(classes)) for p in range(len(classes))]
    shown = [(t, p) for t, p in places if confusion[t, p]]
    figure.add_scatter(
        x=[classes[p] for _, p in shown],
        y=[classes[t] for t, _ in shown],
        text=[str(confusion[t, p]) for t, p in shown],
        mode="text",
        textfont={"size": 9},
        hoverinfo="skip",
        showlegend=False,
    )
    tidied(figure, height=400)
    figure.update_xaxes(title_text="read as", type="category", showgrid=False)
    figure.update_yaxes(
        title_text="true class", type="category", autorange="reversed", showgrid=False
    )
    return figure


def _data_uri(image: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
