"""Plots of the course of a search: history, learning curves, values by epoch, timeline."""

from collections import Counter
from datetime import datetime, timedelta

import pandas as pd
import plotly.graph_objects as go
from optuna.trial import TrialState as StudyState
from optuna.visualization import plot_intermediate_values, plot_optimization_history, plot_timeline

from tune_mnist.reporting import text_format
from tune_mnist.reporting.plots.axes import stretch, whole_ticks
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.reporting.plots.hyperparameter_sentences import MIN_IN_A_GROUP
from tune_mnist.reporting.plots.plot import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    CannotDrawError,
    Plot,
    tidied,
)
from tune_mnist.reporting.portfolio_trials import portfolio_sentence
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.trials.reports import METRIC

ENDS = {
    TrialState.COMPLETE: ("trained to the end", BLUE, "solid", "circle"),
    TrialState.PRUNED: ("stopped early", ORANGE, "solid", "x"),
    TrialState.INTERRUPTED: ("not ended", GREEN, "dash", "triangle-right"),
    TrialState.DIVERGED: ("diverged", PURPLE, "dot", "diamond"),
    TrialState.FAILED: ("failed", GREY, "dashdot", "square"),
}
"""Label, colour, line style and marker of trials, keyed by state."""

_STATES = {
    StudyState.COMPLETE: TrialState.COMPLETE,
    StudyState.PRUNED: TrialState.PRUNED,
    StudyState.RUNNING: TrialState.INTERRUPTED,
    StudyState.FAIL: TrialState.FAILED,
}


def history(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's optimization history, with the best accuracy of each trial."""
    evaluated.require(1)
    numbers = [record.number for record in evaluated.results.records]
    evaluated = evaluated.at_best_stage
    figure = plot_optimization_history(evaluated.study, target_name=METRIC)
    colours = {METRIC: GREY, "Best Value": BLUE}
    # Optuna adds a trace for trials that violate a constraint; these searches have none.
    figure.data = [trace for trace in figure.data if trace.name in colours]
    for trace in figure.data:
        trace.marker.color = trace.line.color = colours[trace.name]
        trace.update(mode="markers" if trace.name == METRIC else "lines", line_shape="hv")
        trace.name = "trial" if trace.name == METRIC else "best so far"
        trace.hovertemplate = "#%{x}: %{customdata:.4f}<extra></extra>"
    best = evaluated.ranked[0]
    place = sum(number <= best.number for number in numbers)
    improved = _improvements(evaluated.records)
    sentence = (
        f"The best trial, #{best.number}, reached {METRIC} {best.val_accuracy:.4f}; it was number"
        f" {place} of {len(numbers)} in the order of start, and"
        f" {text_format.count(improved, 'trial') if improved else 'no trial'} improved on the best"
        " accuracy so far (compared by best epochs, including trials that were stopped early)."
    )
    if best.stage:
        sentence += f" Only trials that reached stage {best.stage} are shown."
    figure = stretch(tidied(figure), METRIC)
    figure.update_xaxes(title_text="trial", **whole_ticks(len(numbers)))
    return [Plot("history", "Optimization history", sentence, figure)]


def learning_curves(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw the validation accuracy of each trial by epoch, and the rungs of the scheduler."""
    curves = _curves(evaluated)
    figure = go.Figure()
    several = len(evaluated.results.space.models) > 1
    for state, (name, colour, dash, symbol) in ENDS.items():
        records = [record for record in evaluated.records if record.state is state]
        epochs, accuracies, labels = [], [], []
        for record in records:
            values = curves.get(record.number, {})
            # One trace for each ending keeps the legend short. None ends the line of a trial.
            epochs += [*values, None]
            accuracies += [*values.values(), None]
            label = f"#{record.number} {record.config['model'] if several else ''}".rstrip()
            labels += [label] * (len(values) + 1)
        if any(epochs):
            figure.add_scatter(
                x=epochs,
                y=accuracies,
                text=labels,
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 1.5},
                marker={"symbol": symbol, "size": 6, "color": colour, "line": {"color": colour}},
                hovertemplate="%{text}, epoch %{x}: %{customdata:.4f}<extra></extra>",
            )
    stretch(tidied(figure), METRIC)
    rungs = _rungs(evaluated.results)
    for epoch in rungs:
        figure.add_vline(x=epoch, line={"color": GREY, "dash": "dash", "width": 1}, layer="below")
    figure.update_xaxes(title_text="epoch", **whole_ticks(_longest(curves)))
    return [Plot("curves", "Learning curves", _ends_sentence(evaluated, rungs), figure)]


def intermediate_values(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's intermediate values, with the best trial in bold."""
    curves = _curves(evaluated)
    figure = plot_intermediate_values(evaluated.study)
    best = evaluated.ranked[0]
    for trace in figure.data:
        ahead = trace.name == f"Trial{best.number}"
        trace.line.color = BLUE if ahead else GREY
        trace.line.width = 3 if ahead else 1
        trace.opacity = 1 if ahead else 0.55
        trace.marker.size = 7 if ahead else 4
        number = trace.name.removeprefix("Trial")
        trace.hovertemplate = f"#{number}, epoch %{{x}}: %{{customdata:.4f}}<extra></extra>"
        trace.text = None
    stretch(tidied(figure), METRIC)
    figure.update_xaxes(title_text="epoch", **whole_ticks(_longest(curves)))
    sentence = _foretelling_sentence(evaluated, curves)
    return [Plot("intermediate", "Values by epoch", sentence, figure)]


def timeline(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw Optuna's timeline, without trials imported from other searches."""
    records = {record.number: record for record in evaluated.results.records}
    trials = [t for t in evaluated.results.study.get_trials(deepcopy=False) if t.number in records]
    begun = [trial.datetime_start for trial in trials if trial.datetime_start]
    if not begun:
        raise CannotDrawError("no trial has begun")
    figure = plot_timeline(evaluated.results.study)
    figure.data = [trace for trace in figure.data if _keep_own(trace, records)]
    tidied(figure)
    # Plotly's default width depends on the smallest gap between trials of one state.
    figure.update_traces(width=0.8)
    # Room for the label of the last tick.
    figure.update_layout(barmode="overlay", margin={"r": 36})
    ended = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    first, last = min(begun), max([*begun, *ended])
    figure.update_xaxes(
        title_text=f"time, from {first:%Y-%m-%d}",
        tickangle=0,
        nticks=4,
        tickformat=_time_format(last - first),
    )
    figure.update_yaxes(title_text="trial", autorange="reversed", **whole_ticks(len(trials)))
    sentence = _timeline_sentence(evaluated.results, begun, ended)
    return [Plot("timeline", "Timeline", sentence, figure)]


def _time_format(duration: timedelta) -> str:
    if duration >= timedelta(days=2):
        return "%m-%d"
    return "%H:%M" if duration >= timedelta(minutes=4) else "%H:%M:%S"


def _improvements(records: list[TrialRecord]) -> int:
    """Return the number of trials that were better than all earlier ones, without the first."""
    best_so_far = pd.Series([record.val_accuracy for record in records]).cummax()
    return int((best_so_far.diff() > 0).sum())


def _curves(evaluated: EvaluatedTrials) -> dict[int, dict[int, float]]:
    """Return the validation accuracies of each trial, keyed by trial number and epoch.

    Raises:
        CannotDrawError: The study does not contain accuracies of single epochs.
    """
    evaluated.require(1)
    curves = {
        trial.number: dict(sorted(trial.intermediate_values.items()))
        for trial in evaluated.study.get_trials(deepcopy=False)
        if trial.intermediate_values
    }
    if not curves:
        raise CannotDrawError(
            "with several objectives, the study keeps no values of single epochs"
        )
    return curves


def _rungs(results: StoredSearch) -> tuple[int, ...]:
    scheduling = results.options.scheduling_for(results.space)
    return scheduler_class(scheduling.name).comparison_epochs(scheduling)


def _longest(curves: dict[int, dict[int, float]]) -> int:
    return max(max(curve) for curve in curves.values())


def _ends_sentence(evaluated: EvaluatedTrials, rungs: tuple[int, ...]) -> str:
    counted = Counter(record.state for record in evaluated.records)
    ends = text_format.listed(
        f"{counted[state]} {ENDS[state][0]}" for state in ENDS if counted[state]
    )
    sentence = (
        f"Of {text_format.count(len(evaluated.records), 'trial')} with a finished epoch, {ends}"
    )
    stopped = [r.epochs for r in evaluated.records if r.state is TrialState.PRUNED]
    if stopped:
        after = Counter(stopped)
        parts = (f"{after[epoch]} after epoch {epoch}" for epoch in sorted(after))
        sentence += f" (stopped: {text_format.listed(parts)})"
    if rungs:
        scheduler, plural = evaluated.results.options.scheduler, "s" * (len(rungs) > 1)
        sentence += (
            f"; dashed lines mark the rung{plural} of {scheduler} at epoch{plural}"
            f" {text_format.listed(map(str, rungs))}"
        )
    exempt = portfolio_sentence(evaluated.results)
    return f"{sentence}. {exempt}".rstrip()


def _foretelling_sentence(evaluated: EvaluatedTrials, curves: dict[int, dict[int, float]]) -> str:
    first = min(min(curve) for curve in curves.values())
    early = {n: curve[first] for n, curve in curves.items() if first in curve}
    best = evaluated.ranked[0]
    if best.number not in early:
        return f"The best trial, #{best.number}, is bold."
    place = 1 + sum(value > early[best.number] for value in early.values())
    sentence = (
        f"The best trial, #{best.number} (bold), ranked {place} of {len(early)} after epoch"
        f" {first}"
    )
    # The other trials ended at that epoch, so both of their accuracies are the same number.
    longer = [r for r in evaluated.records if r.number in early and r.epochs > first]
    accuracies = pd.DataFrame([(early[r.number], r.val_accuracy) for r in longer]).rank()
    if len(longer) < MIN_IN_A_GROUP:
        return f"{sentence}."
    order = accuracies[0].corr(accuracies[1])
    if pd.isna(order):
        return f"{sentence}."
    return (
        f"{sentence}; of the {len(longer)} trials that trained longer, the accuracies after that"
        f" epoch and the best accuracies have a rank correlation of {order:.2f}."
    )


def _keep_own(trace: go.Bar, records: dict[int, TrialRecord]) -> bool:
    """Remove the bars of imported trials, and return whether any bar is left.

    The bar of a trial that has not ended gets the length of the training time. Optuna extends the
    bar to the present.
    """
    if trace.name not in StudyState.__members__:
        return False
    kept = [index for index, number in enumerate(trace.y) if number in records]
    own = [records[trace.y[index]] for index in kept]
    unended = trace.name == StudyState.RUNNING.name
    lengths = [trace.x[index] for index in kept]
    trace.x = [max(1.0, r.train_seconds) * 1000 for r in own] if unended else lengths
    trace.base = [trace.base[index] for index in kept]
    trace.y = [record.number for record in own]
    trace.text = [
        f"#{r.number} {r.config['model']}, {text_format.count(r.epochs, 'epoch')}" for r in own
    ]
    state = _STATES.get(StudyState[trace.name])
    if state is not None:
        name, trace.marker.color, *_ = ENDS[state]
        trace.name = "failed or diverged" if state is TrialState.FAILED else name
    trace.hovertemplate = "%{text}<extra></extra>"
    return bool(kept)


def _timeline_sentence(results: StoredSearch, begun: list[datetime], ended: list[datetime]) -> str:
    trained = sum(record.train_seconds for record in results.records)
    if not trained:
        return f"{text_format.count(len(begun), 'trial')} began, and none has finished an epoch."
    longest = max(results.records, key=lambda record: record.train_seconds)
    sentence = (
        f"{text_format.count(len(results.records), 'trial')} trained for"
        f" {text_format.seconds(trained)} in all"
    )
    if ended:
        passed = (max(ended) - min(begun)).total_seconds()
        sentence += (
            f" within {text_format.seconds(passed)}, from the first start to the last end"
            f" (on average {trained / max(passed, 1e-9):.1f} at a time)"
        )
    return (
        f"{sentence}; #{longest.number} ({longest.config['model']}) trained longest, for"
        f" {text_format.seconds(longest.train_seconds)}. A bar extends from the start to the end"
        " of a trial, including pauses, in which the trial does not train."
    )
