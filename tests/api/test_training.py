"""A training run from Python, and the result that it returns."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from tests.data.own import CLASSES, picture_folder
from tests.messages import assert_refused
from tune_mnist import run_training


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    printed = io.StringIO()
    result = run_training(
        dataset=digits,
        epochs=2,
        lr=0.01,
        batch_size=32,
        output_dir=tmp_path_factory.mktemp("results") / "deeper",
        name="one",
        console=Console(file=printed, width=160),
        **{"model.width": 2},
    )
    return result, printed.getvalue()


def test_a_run_returns_metrics_accuracies_and_folder(run):
    result, printed = run
    assert list(result.epochs["epoch"]) == [1, 2]
    pd.testing.assert_frame_equal(result.epochs, pd.read_csv(result.directory / "epochs.csv"))
    assert result.val_accuracy == result.epochs["val_accuracy"].iloc[-1]
    assert result.test_accuracy == np.trace(result.confusion) / result.confusion.sum()
    assert len(result.recall) == 10
    assert result.config.model_options == {"width": 2}
    assert f"results in {result.directory}" in printed
    assert "1/2" in printed


def test_the_returned_model_is_the_tested_one(run, digits):
    result, _ = run
    predicted = result.load_model()(torch.from_numpy(digits.test_images)).argmax(dim=1).numpy()
    accuracy = (predicted == digits.test_labels).mean()
    assert accuracy == pytest.approx(result.test_accuracy, abs=0.02)


def test_an_existing_name_is_refused(run, digits):
    result, _ = run
    given = {"name": "one", "output_dir": result.directory.parent}
    assert_refused([str(result.directory)], run_training, dataset=digits, lr=0.01, **given)


def test_a_run_restores_pytorchs_random_state(digits, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    run_training(
        dataset=digits, lr=0.01, epochs=1, fraction=0.1, output_dir=tmp_path, console=_quiet()
    )
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True])
def test_an_impossible_number_of_epochs_is_refused_by_its_own_name(digits, tmp_path, epochs):
    settings = {"dataset": digits, "lr": 0.01, "output_dir": tmp_path}
    assert_refused(f"epochs {epochs}", run_training, epochs=epochs, **settings)
    assert list(tmp_path.iterdir()) == []


def _quiet():
    return Console(file=io.StringIO())


def test_a_folder_of_pictures_is_trained_on_with_class_names(tmp_path):
    pictures = picture_folder(tmp_path / "shapes", train=8, test=2)
    result = run_training("lenet", pictures, lr=0.01, epochs=1, output_dir=tmp_path, name="run")
    assert result.class_names == CLASSES
    classifier = result.load_model()
    assert classifier.form.class_names == CLASSES
    images = torch.zeros((2, 64, 64, 3), dtype=torch.uint8)
    assert classifier(images).shape == (2, 3)
