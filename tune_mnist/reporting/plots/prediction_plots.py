"""Plots of the final runs' predictions: confusion matrices and misclassified images."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from tune_mnist.data.form import class_name
from tune_mnist.errors import UserError
from tune_mnist.reporting import text_format
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.reporting.plots.plot import CannotDrawError, Picture, Plot, tidied
from tune_mnist.tuning.final.misclassified import read_misclassified
from tune_mnist.tuning.final.runs import final_folder

PICTURES = 24
_ERROR_SCALE = [[0, "rgba(199,119,0,0.1)"], [1, "rgba(199,119,0,0.65)"]]


def confusion_matrices(evaluated: EvaluatedTrials) -> list[Plot]:
    """Draw the confusion matrix of each architecture, summed over its final runs."""
    plots = []
    names = evaluated.results.class_names
    for model in _tested_models(evaluated):
        runs = [run for run in evaluated.results.final if run.model == model and run.best]
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


def misclassified_images(evaluated: EvaluatedTrials) -> list[Plot]:
    """Show the images that each architecture misclassified with the highest confidence."""
    plots = []
    named = partial(class_name, evaluated.results.class_names)
    for model in _tested_models(evaluated):
        try:
            found = read_misclassified(final_folder(evaluated.results.directory, model))
        except UserError as error:
            raise CannotDrawError(str(error)) from None
        if found is None or not len(found.images):
            continue
        shown = range(min(PICTURES, len(found.images)))
        pictures = tuple(
            Picture(
                _data_uri(found.images[index]),
                f"{named(found.truth[index])} as {named(found.predicted[index])},"
                f" {text_format.percent(float(found.probability[index]))}",
            )
            for index in shown
        )
        pairs = Counter((int(found.truth[i]), int(found.predicted[i])) for i in shown)
        ((truth, predicted), times), *_ = pairs.most_common()
        sentence = (
            f"Test images that {model} misclassifies with the highest probabilities, up to"
            f" {text_format.percent(float(found.probability[0]))} (first final run):"
            f" {text_format.count(len(shown), 'image')}, most often {named(truth)} as"
            f" {named(predicted)} ({text_format.count(times, 'time')})."
        )
        plots.append(
            Plot(f"misclassified-{model}", f"Misclassified: {model}", sentence, pictures=pictures)
        )
    if not plots:
        raise CannotDrawError("no misclassified images were stored")
    return plots


def _tested_models(evaluated: EvaluatedTrials) -> list[str]:
    """Return the architectures with final runs, or raise an error if there are none."""
    if not evaluated.results.final:
        raise CannotDrawError("there was no final evaluation")
    return sorted({run.model for run in evaluated.results.final})


def _confusion_sentence(
    model: str, confusion: NDArray[np.int64], runs: int, names: Sequence[str]
) -> str:
    wrong = confusion - np.diag(np.diag(confusion))
    total = int(confusion.sum())
    sentence = (
        f"In {text_format.count(runs, 'final run')}, {model} misclassified {int(wrong.sum()):,} of"
        f" {total:,} images ({total // runs:,} test images in each run)"
    )
    if not wrong.any():
        return f"{sentence}."
    truth, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return (
        f"{sentence}, most often {names[int(truth)]} as {names[int(predicted)]}"
        f" ({text_format.count(int(wrong[truth, predicted]), 'time')})."
    )


def _confusion_figure(confusion: NDArray[np.int64], names: Sequence[str]) -> go.Figure:
    """Colour only the errors, because correct predictions are a hundred times as frequent."""
    classes = text_format.axis_labels(names)
    wrong = confusion.astype(float)
    np.fill_diagonal(wrong, np.nan)
    wrong[wrong == 0] = np.nan
    figure = go.Figure(
        go.Heatmap(
            x=classes,
            y=classes,
            z=wrong,
            zmin=0,
            colorscale=_ERROR_SCALE,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="%{y} classified as %{x}: %{z}<extra></extra>",
        )
    )
    shown = np.argwhere(confusion)
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
    figure.update_xaxes(title_text="classified as", type="category", showgrid=False)
    figure.update_yaxes(
        title_text="true class", type="category", autorange="reversed", showgrid=False
    )
    return figure


def _data_uri(image: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
