"""Results that load_results returns for a finished, an interrupted and an empty search."""

import json
import shutil

import optuna
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch

from tests.hostile.folders import write_ensemble_of
from tests.hostile.trap import Trap
from tests.messages import assert_named, assert_refused, refusal
from tests.reporting.searches import Search, best_config
from tune_mnist import load_results
from tune_mnist.reporting.plots import draw
from tune_mnist.reporting.stored_search import read_search


@pytest.fixture(scope="module")
def finished(tmp_path_factory, digits_lenet):
    """Search over two architectures, with the model of a LeNet and two final runs."""
    search = Search(tmp_path_factory.mktemp("results") / "demo", num_samples=10)
    for step in range(8):
        search.trial(0.5, 0.6, 0.7 + step / 50, lr=1e-3 * (step + 1))
    search.trial(0.4, 0.5, model="resnet", momentum=0.5, optimizer="sgd")
    search.trial(diverges=True, lr=0.09)
    for seed in (0, 1):
        search.final("lenet", 7, seed, [[9, 1 + seed], [0, 10]])
    best = search.directory / "best"
    best.mkdir()
    shutil.copytree(digits_lenet, best / "lenet")
    config = best_config("lenet", 7, full_val_accuracy=0.83)
    (best / "lenet" / "config.json").write_text(json.dumps(config))
    return search.directory


@pytest.fixture(scope="module")
def results(finished):
    return load_results(finished)


def test_trials_and_study_are_loaded(results):
    assert isinstance(results.trials, pd.DataFrame)
    assert list(results.trials["trial"]) == list(range(10))
    assert list(results.trials["state"][-2:]) == ["PRUNED", "DIVERGED"]
    assert isinstance(results.study, optuna.Study)
    assert len(results.study.trials) == 10
    assert results.name == "demo"
    assert results.options.max_epochs == 3
    assert_named("10 lenet 0.8400 resnet 0.5000", repr(results))


def test_best_has_configuration_and_accuracies_by_architecture(results):
    assert list(results.best) == ["lenet", "resnet"]
    best = results.best["lenet"]
    assert (best.trial, best.epoch, best.val_accuracy) == (7, 3, pytest.approx(0.84))
    assert best.full_val_accuracy == 0.83
    assert best.test_accuracies == {0: pytest.approx(0.95), 1: pytest.approx(19 / 21)}
    assert best.config["lr"] == pytest.approx(8e-3)
    assert results.best["resnet"].test_accuracies == {}
    assert results.best["resnet"].config["momentum"] == 0.5


def test_tables_are_data_frames_of_numbers(results):
    assert {"best", "costs", "top", "final", "recall"} <= results.tables.keys()
    assert results.tables["best"]["val_accuracy"].max() == pytest.approx(0.84)
    assert all(isinstance(table, pd.DataFrame) for table in results.tables.values())


def test_plots_are_the_figures_of_the_report_with_a_title(results, finished):
    assert {"history", "rank", "confusion-lenet"} <= set(results.plot_names)
    figure = results.plot("rank")
    assert isinstance(figure, go.Figure)
    (of_page,) = [plot for plot in draw(read_search(finished)).plots if plot.key == "rank"]
    assert figure.data == of_page.figure.data
    assert figure.layout.title.text == of_page.title
    for name in results.plot_names:
        assert results.plot(name).data


def test_an_unknown_plot_is_refused_with_the_known_names(results):
    assert_refused("'histori' 'history'", results.plot, "histori")


def test_a_kept_model_classifies_raw_images(results, placed_digits):
    classifier = results.load_model("lenet")
    assert not classifier.training
    assert not classifier.network.training
    probabilities = classifier(torch.from_numpy(placed_digits.test_images))
    predicted = probabilities.argmax(dim=1).numpy()
    assert (predicted == placed_digits.test_labels).mean() > 0.8
    assert classifier.network(torch.zeros(2, 1, 32, 32)).shape == (2, 10)


def test_the_ensemble_classifies_raw_images(finished, digits_lenet, placed_digits, tmp_path):
    assert_refused([str(finished)], load_results(finished).load_ensemble)
    copied = tmp_path / "copied"
    shutil.copytree(finished, copied)
    write_ensemble_of(copied, digits_lenet)
    probabilities = load_results(copied).load_ensemble()(
        torch.from_numpy(placed_digits.test_images)
    )
    predicted = probabilities.detach().argmax(dim=1).numpy()
    assert (predicted == placed_digits.test_labels).mean() > 0.8


@pytest.mark.parametrize("model", ["resnet", "../demo", ""])
def test_a_missing_model_is_refused_in_one_line(results, model):
    assert model in refusal(results.load_model, model)


def test_an_interrupted_search_has_the_results_so_far(tmp_path):
    search = Search(tmp_path / "cut")
    search.trial(0.5, 0.6, ends=False)
    results = load_results(search.directory)
    assert list(results.trials["state"]) == ["INTERRUPTED"]
    assert results.best["lenet"].val_accuracy == 0.6
    assert "history" in results.plot_names
    assert_refused("50", results.plot, "importances")  # trials, at least
    assert_refused("lenet", results.load_model, "lenet")


def test_a_search_without_an_epoch_has_empty_results(tmp_path):
    results = load_results(str(Search(tmp_path / "none").directory))
    assert (results.best, results.tables, len(results.trials)) == ({}, {}, 0)
    refusal(results.plot, "history")


def test_a_folder_without_results_is_refused_in_one_line(tmp_path):
    assert_refused([str(tmp_path)], load_results, tmp_path)


def test_weights_with_a_pickled_object_are_refused(finished, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(finished, copied)
    torch.save({"weight": Trap(tmp_path / "trap")}, copied / "best" / "lenet" / "model.pt")
    assert "model.pt" in refusal(load_results(copied).load_model, "lenet")
    assert not (tmp_path / "trap").exists()


def test_a_folder_with_a_link_is_refused(finished, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(finished, copied)
    (copied / "elsewhere").symlink_to(tmp_path)
    assert_refused([str(copied / "elsewhere")], load_results, copied)
