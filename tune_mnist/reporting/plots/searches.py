"""Plot that compares several searches."""

import plotly.graph_objects as go

from tune_mnist.reporting.plots import text_format
from tune_mnist.reporting.plots.axes import stretch
from tune_mnist.reporting.plots.plot import COLOURS, SYMBOLS, Plot, tidied
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.trials.reports import METRIC

SEARCHES_HEIGHT = 440


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
            marker={
                "color": COLOURS[index % len(COLOURS)],
                "symbol": f"{SYMBOLS[index % len(SYMBOLS)]}-open",
                "size": 9,
                "line": {"width": 2},
            },
            hovertemplate="%{text}: %{customdata:.4f}<extra>%{x}</extra>",
        )
        for model, accuracy in trials.groupby("model")[METRIC].max().items():
            best[str(model)] = max(best.get(str(model), (-1.0, "")), (float(accuracy), name))
    stretch(tidied(figure, height=SEARCHES_HEIGHT), METRIC)
    figure.update_xaxes(type="category")
    figure.update_layout(scattermode="group")
    parts = [
        f"{model} {text_format.accuracy(accuracy)} ({name})"
        for model, (accuracy, name) in sorted(best.items(), key=lambda item: -item[1][0])
    ]
    sentence = (
        "All trials, compared by their best epochs. Best trial of each architecture, selected and"
        f" therefore optimistic: {text_format.listed(parts)}."
    )
    return Plot("searches", "All trials by architecture and search", sentence, figure)
