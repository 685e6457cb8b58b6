"""The user's own pictures in a search, a training run and a prediction, with class names."""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.data.own import some_arrays
from tests.e2e.commands import in_this_process, script
from tests.messages import assert_named
from tune_mnist.predict import predict
from tune_mnist.train import train
from tune_mnist.tuning.final.misclassified import read_misclassified

pytestmark = pytest.mark.e2e
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_data.py"
CLASSES = ["circle", "cross", "square"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory, small_ray):
    """Run the example; return the folder of the search and the output."""
    folder = tmp_path_factory.mktemp("own")
    with redirect_stdout(StringIO()) as output:
        script(EXAMPLE, folder=folder)
    (study,) = folder.glob("results/*/study.journal")
    return study.parent, output.getvalue()


def test_a_search_on_colour_pictures_reports_class_names(searched):
    directory, out = searched
    data = next(line for line in out.splitlines() if "64x64" in line)
    assert_named("shapes RGB 3 circle cross square 480", data)
    trials = pd.read_csv(directory / "trials.csv")
    assert trials["val_accuracy"].max() > 0.8
    assert list(pd.read_csv(directory / "tables" / "recall.csv")["true_class"]) == CLASSES
    plot = (directory / "plots" / "confusion-lenet.html").read_text()
    assert '"circle","cross","square"' in plot.replace(" ", "")
    misclassified = read_misclassified(directory / "final" / "lenet")
    assert misclassified is not None
    assert misclassified.images.shape[1:] == (64, 64, 3)


def test_the_configuration_beside_the_weights_has_the_class_names(searched):
    directory, _ = searched
    for place in (directory / "best" / "lenet", directory / "final" / "lenet"):
        data = json.loads((place / "config.json").read_text())["data"]
        assert (data["class_names"], data["channels"], data["side"]) == (CLASSES, 3, 64)


def test_a_single_run_reports_class_names(searched):
    directory, out = searched
    assert "circle cross square" in out  # the heading of a table
    (epochs,) = directory.parent.glob("*/epochs.csv")
    summary = (epochs.parent / "summary.md").read_text()
    assert re.search(r"\| circle +\| cross +\| square +\|", summary)


def test_a_picture_is_classified_by_class_name(searched):
    directory, _ = searched
    picture = directory.parents[1] / "shapes" / "test" / "square" / "000.png"
    model = directory / "best" / "lenet"
    heading, row = in_this_process(predict, "--model", str(model), str(picture)).splitlines()
    assert heading == "image,index,ink,class,p_circle,p_cross,p_square"
    assert row.split(",")[3] in CLASSES


def test_the_command_trains_on_an_archive(tmp_path):
    np.savez(tmp_path / "cells.npz", **some_arrays((12, 12)))
    out = in_this_process(
        train,
        *("--model", "lenet", "--lr", "0.001", "--epochs", "1", "--transpose"),
        *("--data-dir", str(tmp_path / "cells.npz"), "--output-dir", str(tmp_path)),
        *("--name", "run"),
    )
    shown = next(line for line in out.splitlines() if "12x12" in line)
    assert_named("cells.npz transposed 3 24", shown)
    data = json.loads((tmp_path / "run" / "config.json").read_text())["data"]
    assert (data["name"], data["transposed"]) == ("cells.npz", True)
