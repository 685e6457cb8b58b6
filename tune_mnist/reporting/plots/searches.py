"""Plots that compare several searches."""

import plotly.graph_objects as go

from tune_mnist.reporting import text_format
from tune_mnist.reporting.plots.axes import stretch
from tune_mnist.reporting.plots.plot import COLOURS, Plot, marker, tidied
from tune_mnist.reporting.spread import spread
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.verdict_of_searches import SameTest
from tune_mnist.tuning.trials.reports import METRIC

SEARCHES_HEIGHT = 440


def accuracy_of_tests(tested: SameTest, number: int) -> Plot:
    """Draw the test accuracy of every final run, by configuration and search.

    Args:
        tested: Final runs that have classified the same test images.
        number: Number of the plot on the page, starting at 0.
    """
    figure = go.Figure()
    means = {}
    places = text_format.axis_labels(list(tested.groups))
    for index, (label, runs) in enumerate(tested.groups.items()):
        accuracies = [run.test_accuracy for run in runs]
        means[label] = spread(accuracies)
        figure.add_scatter(
            x=[places[index]] * len(runs),
            y=accuracies,
            text=[f"{label} seed {run.seed}" for run in runs],
            mode="markers",
            marker={"color": COLOURS[index % len(COLOURS)], "size": 9},
            hovertemplate="%{text}: %{customdata:.4f}<extra></extra>",
            showlegend=False,
        )
    stretch(tidied(figure, height=SEARCHES_HEIGHT), "test accuracy")
    figure.update_xaxes(type="category", range=[-0.5, len(places) - 0.5])
    parts = [
        f"{label} {mean}" for label, mean in sorted(means.items(), key=lambda item: -item[1].mean)
    ]
    sentence = f"Each point is a final run. Mean over the seeds: {text_format.listed(parts)}."
    title = f"Test accuracy: {text_format.listed(tested.searches)}"
    return Plot(f"tested-{number}" if number else "tested", title, sentence, figure)


def accuracy_by_search(searches: dict[str, StoredSearch]) -> Plot:
    """Draw the best validation accuracy of every trial, by architecture and search.

    Args:
        searches: Searches, keyed by label. At least one trial must have finished an epoch.
    """
    figure = go.Figure()
    best: dict[str, tuple[float, str]] = {}
    for index, (name, results) in enumerate(searches.items()):
        trials = results.trials.dropna(subset=[METRIC])
        figure.add_scatter(
            x=list(trials["model"]),
            y=list(trials[METRIC]),
            text=[f"{name} #{number}" for number in trials["trial"]],
            mode="markers",
            name=name,
            offsetgroup=name,
            marker=marker(index, hollow=True),
            hovertemplate="%{text}: %{customdata:.4f}<extra>%{x}</extra>",
        )
        for model, accuracy in trials.groupby("model")[METRIC].max().items():
            best[str(model)] = max(best.get(str(model), (-1.0, "")), (float(accuracy), name))
    stretch(tidied(figure, height=SEARCHES_HEIGHT), METRIC)
    figure.update_xaxes(type="category")
    figure.update_layout(scattermode="group")
    parts = [
        f"{model} {accuracy:.4f} ({name})"
        for model, (accuracy, name) in sorted(best.items(), key=lambda item: -item[1][0])
    ]
    sentence = (
        "All trials, compared by their best epochs. Best trial of each architecture, the"
        f" highest of many and therefore partly due to chance: {text_format.listed(parts)}."
    )
    return Plot("searches", "All trials by architecture and search", sentence, figure)
