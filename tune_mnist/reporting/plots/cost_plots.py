"""Plots of accuracy against training time, network size and computation; Pareto fronts."""

import optuna
import plotly.graph_objects as go
from optuna.visualization import plot_pareto_front

from tune_mnist.reporting import text_format
from tune_mnist.reporting.network_cost import mflops
from tune_mnist.reporting.plots.axes import set_ticks, short, stretch
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.reporting.plots.plot import BLUE, GREY, CannotDrawError, Plot, marker, tidied
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.trials.reports import METRIC

_MIN_ARCHITECTURES = 2
_NO_DECIMALS_FROM = 10


def accuracy_by_time(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw the validation accuracy of each trial against its training time."""
    evaluated.require(1)
    figure = go.Figure()
    best = _best_by_model(evaluated)
    for index, model in enumerate(best):
        records = [record for record in evaluated.records if record.config["model"] == model]
        figure.add_scatter(
            x=[record.train_seconds for record in records],
            y=[record.val_accuracy for record in records],
            text=[f"#{record.number}" for record in records],
            mode="markers",
            name=model,
            marker=marker(index),
            hovertemplate="%{text}: %{customdata:.4f}, %{x:.1f} s<extra>%{fullData.name}</extra>",
        )
    stretch(tidied(figure), METRIC)
    figure.update_layout(showlegend=True)
    _cost_axis(figure, "seconds trained", [record.train_seconds for record in evaluated.records])
    parts = [
        f"{model} {record.val_accuracy:.4f} in {text_format.seconds(record.train_seconds)}"
        f" (#{record.number})"
        for model, record in best.items()
    ]
    sentence = f"Best trial and its training time: {text_format.listed(parts)}."
    return [Plot("cost-time", "Accuracy against training time", sentence, figure)]


def accuracy_by_size(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw validation and test accuracy of each architecture against the number of parameters."""
    best = _best_by_model(evaluated)
    sizes = {model: float(record.last["parameters"]) for model, record in best.items()}
    return _accuracy_by_cost(evaluated, "cost-size", "Accuracy against size", "parameters", sizes)


def accuracy_by_flops(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw validation and test accuracy of each architecture against the MFLOPs per image."""
    best = _best_by_model(evaluated)
    flops = {model: mflops(evaluated.results, record) for model, record in best.items()}
    title = "Accuracy against computation"
    return _accuracy_by_cost(evaluated, "cost-flops", title, "MFLOPs per image", flops)


def pareto_fronts(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's Pareto front of the accuracy and each of the other objectives."""
    names = evaluated.results.options.objective.split(",")
    if len(names) == 1:
        raise CannotDrawError(f"the search has only one objective, {names[0]}")
    study = evaluated.with_objectives()
    values = {t.number: t.values for t in study.get_trials(deepcopy=False) if t.values}
    if not values:
        raise CannotDrawError("no trial has been trained to its last epoch")
    return [_pareto_front(study, values, names, index) for index in range(1, len(names))]


def _pareto_front(
    study: optuna.Study, values: dict[int, list[float]], names: list[str], index: int
) -> Plot:
    """Draw the Pareto front of the accuracy and the objective with a given index."""
    name = names[index]
    figure = plot_pareto_front(
        study,
        target_names=[name, METRIC],
        targets=lambda trial: [trial.values[index], trial.values[0]],
    )
    _restyle_pareto(figure)
    stretch(tidied(figure), METRIC)
    _cost_axis(figure, name, [costs[index] for costs in values.values()])
    front = {trial.number: values[trial.number] for trial in study.best_trials}
    best = max(front, key=lambda number: front[number][0])
    cheapest = min(front, key=lambda number: front[number][index])
    first, last = (
        f"#{number} with {front[number][0]:.4f} at {front[number][index]:,.0f}"
        for number in (best, cheapest)
    )
    reach = "none is better or cheaper than" if best == cheapest else f"from {first} {name} to"
    sentence = (
        f"No other trial beats {len(front)} of {text_format.count(len(values), 'complete trial')}"
        f" in all of {text_format.listed(names)}: {reach} {last}."
    )
    return Plot(f"pareto-{name}", f"Pareto front: {name}", sentence, figure)


def _accuracy_by_cost(
    evaluated: EvaluatedTrials, key: str, title: str, unit: str, costs: dict[str, float]
) -> list[Plot]:
    """Draw the best trial and the final runs of each architecture against a cost."""
    evaluated.require(1)
    best = _best_by_model(evaluated)
    if len(best) < _MIN_ARCHITECTURES:
        raise CannotDrawError(f"only one architecture has a result: {next(iter(best))}")
    figure = go.Figure()
    for index, (model, record) in enumerate(best.items()):
        figure.add_scatter(
            x=[costs[model]],
            y=[record.val_accuracy],
            mode="markers",
            name=model,
            marker=marker(index, size=10),
            hovertemplate="validation (selected): %{customdata:.4f}"
            "<extra>%{fullData.name}</extra>",
        )
        runs = [run for run in evaluated.results.final if run.model == model and run.best]
        figure.add_scatter(
            x=[costs[model]] * len(runs),
            y=[run.test_accuracy for run in runs],
            text=[f"seed {run.seed}" for run in runs],
            mode="markers",
            name=model,
            showlegend=False,
            marker=marker(index, size=10, hollow=True),
            hovertemplate="test, %{text}: %{customdata:.4f}<extra>%{fullData.name}</extra>",
        )
    stretch(tidied(figure), "accuracy")
    _cost_axis(figure, unit, list(costs.values()))
    sentence = _cost_sentence(best, costs, unit)
    if evaluated.results.final:
        sentence += (
            " Filled markers are validation accuracies, which are selected as the highest and are"
            " therefore partly due to chance; open markers are the test accuracies of the final"
            " runs."
        )
    return [Plot(key, title, sentence, figure)]


def _best_by_model(evaluated: EvaluatedTrials) -> dict[str, TrialRecord]:
    """Return the best trial of each architecture, best first."""
    best: dict[str, TrialRecord] = {}
    for record in evaluated.ranked:
        best.setdefault(record.config["model"], record)
    return best


def _cost_axis(figure: go.Figure, title: str, values: list[float]) -> None:
    """Set up the x axis for costs on a logarithmic scale."""
    figure.update_xaxes(title_text=title)
    set_ticks(figure.layout.xaxis, values, short)


def _cost_sentence(best: dict[str, TrialRecord], costs: dict[str, float], unit: str) -> str:
    (first, champion), *_ = best.items()
    cheapest = min(costs, key=lambda model: costs[model])
    digits = ",.0f" if costs[first] >= _NO_DECIMALS_FROM else ".2g"
    accuracy, cost = f"{champion.val_accuracy:.4f}", f"{costs[first]:{digits}} {unit}"
    if first == cheapest:
        return (
            f"{first}, the architecture with the fewest {unit}, also has the highest validation"
            f" accuracy: {accuracy} with {cost}."
        )
    return (
        f"{first} has the highest validation accuracy: {accuracy} with {cost},"
        f" {costs[first] / costs[cheapest]:,.0f} times those of {cheapest}, which reaches"
        f" {best[cheapest].val_accuracy:.4f}."
    )


def _restyle_pareto(figure: go.Figure) -> None:
    """Set the colours of the page, and a hover text that fits the screen."""
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
