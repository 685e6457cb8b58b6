import io

import pytest
from rich.console import Console

from tests.messages import assert_named
from tests.reporting.searches import ONE_MODEL, TWO_MODELS, Search
from tune_mnist.reporting.effects import effect_tables


@pytest.fixture
def search(tmp_path):
    return Search(tmp_path / "demo", ONE_MODEL)


def effects(search):
    """Return the table of effects."""
    (table,) = effect_tables(search.read())
    return table


def of(search, parameter):
    """Return the rows of a parameter."""
    cells = effects(search).cells
    return cells[cells["parameter"] == parameter]


def test_trials_are_compared_at_the_epoch_that_all_of_them_reached(search):
    search.trial(0.5, 0.6, 0.99, batch_size=32)
    search.trial(0.7, 0.8, batch_size=64)  # pruned after epoch 2
    rows = of(search, "batch_size")
    assert_named(["epoch 2 of 3"], effects(search).caption)
    assert list(rows["value"]) == ["32", "64"]
    assert list(rows["median"]) == ["0.6000", "0.8000"]
    assert list(rows["best of all epochs"]) == ["0.9900", "0.8000"]


def test_a_diverged_trial_counts_as_the_worst(search):
    search.trial(0.9)
    search.trial(0.8)
    search.trial(0.95, diverges=True)
    search.trial(diverges=True, batch_size=64)
    rows = of(search, "batch_size")
    assert list(rows["trials"]) == ["3", "1"]
    assert list(rows["median"]) == ["0.8000", "diverged"]
    assert list(rows["best"]) == ["0.9000", "diverged"]
    assert list(rows["best of all epochs"]) == ["0.9500", "diverged"]
    assert list(rows["diverged"]) == ["33%", "100%"]


def test_trials_that_ended_before_the_common_epoch_are_excluded_and_counted(search):
    search.trial(0.5, 0.6)
    search.trial(0.7, 0.75, 0.8)
    search.trial(0.9, fails="its worker died")
    search.trial(0.9, ends=False)
    search.trial(ends=False)
    search.trial(0.7, 0.65, ends=False)  # interrupted, too, but after the common epoch
    rows = of(search, "dropout")
    assert list(rows["trials"]) == ["3"]
    assert list(rows["median"]) == ["0.6500"]
    assert "Left out: 3" in effects(search).caption


def test_an_interrupted_search_compares_the_unfinished_trials(search):
    search.trial(0.5, 0.6, ends=False)
    search.trial(0.7, ends=False)
    rows = of(search, "dropout")
    assert_named(["epoch 1 of 3"], effects(search).caption)
    assert list(rows["median"]) == ["0.6000"]


def test_optimizer_and_learning_rate_are_crossed(search):
    search.trial(0.5, lr=1e-2, optimizer="adam")
    search.trial(0.6, lr=2e-3, optimizer="sgd", momentum=0.5)
    search.trial(0.7, lr=1e-3, optimizer="sgd", momentum=0.5)
    rows = of(search, "optimizer, lr")
    assert list(zip(rows["value"], rows["median"], strict=True)) == [
        ("sgd, 1e-3 to 1e-2", "0.6500"),
        ("adam, 1e-2 to 1e-1", "0.5000"),
    ]


def test_a_conditional_parameter_compares_the_trials_that_have_it(search):
    search.trial(0.5, optimizer="adam")
    search.trial(0.6, optimizer="sgd", momentum=0.5)
    assert list(of(search, "momentum")["trials"]) == ["1"]


def test_a_parameter_that_no_trial_has_gives_no_row(search):
    search.trial(0.5, optimizer="adam")
    assert of(search, "momentum").empty


def test_architectures_are_kept_apart(tmp_path):
    search = Search(tmp_path / "demo")
    search.trial(0.5, model="resnet")
    search.trial(0.7, model="lenet")
    cells = of(search, "dropout")
    assert list(cells["model"]) == ["lenet", "resnet"]
    assert list(cells["median"]) == ["0.7000", "0.5000"]


def test_with_several_objectives_trials_compare_by_their_best_epoch(tmp_path):
    search = Search(tmp_path / "demo", objective="val_accuracy,parameters")
    search.trial(0.5, 0.9, 0.7)
    search.trial(0.95, ends=False)
    rows = of(search, "dropout")
    assert list(rows["median"]) == ["0.9000"]
    assert_named(["best epoch", "epoch 3"], effects(search).caption)


def test_the_caption_warns_of_biased_samples(tmp_path):
    for searcher, warned in (("tpe", True), ("random", False)):
        search = Search(tmp_path / searcher, searcher=searcher)
        search.trial(0.5)
        assert ("hint" in effects(search).caption) is warned


def test_without_an_epoch_there_is_nothing_to_compare(search):
    search.trial(ends=False)
    search.trial(diverges=True)
    assert effect_tables(search.read()) == []


def test_epochs_after_an_exploit_do_not_count_for_the_first_hyperparameters(search):
    other = {"epoch": 2, "donor": 1, "params": {"model": "lenet", "lr": 0.1}}
    search.trial(0.5, 0.6, 0.9, takeovers=[other], batch_size=32)
    search.trial(0.7, 0.8, 0.85, batch_size=64)
    rows = of(search, "batch_size")
    assert list(rows["median"]) == ["0.6000", "0.8000"]
    assert list(rows["best of all epochs"]) == ["0.6000", "0.8500"]
    assert "took over" in effects(search).caption


SCHEDULES = ONE_MODEL + "  lr_schedule: {type: categorical, choices: [constant, cosine]}\n"


def test_schedules_are_compared_after_the_last_epoch_only(tmp_path):
    search = Search(tmp_path / "demo", SCHEDULES)
    search.trial(0.5, 0.6, 0.7, lr_schedule="constant")
    search.trial(0.4, 0.5, 0.9, lr_schedule="cosine")
    search.trial(0.3, lr_schedule="cosine")  # stopped before the schedule has acted
    rows = of(search, "lr_schedule")
    assert list(rows["value"]) == ["constant", "cosine"]
    assert list(rows["median"]) == ["0.7000", "0.9000"]
    assert set(rows["epoch"]) == {"3"}
    assert set(of(search, "dropout")["epoch"]) == {"1"}
    assert_named(["lr_schedule", "epoch 3"], effects(search).caption)


def test_a_schedule_that_alone_reached_the_last_epoch_has_no_effect_to_show(tmp_path):
    search = Search(tmp_path / "demo", SCHEDULES)
    search.trial(0.5, 0.6, 0.7, lr_schedule="cosine")
    search.trial(0.4, lr_schedule="constant")
    assert of(search, "lr_schedule").empty
    assert_named("lr_schedule few", effects(search).caption)  # values


def test_schedules_are_omitted_until_a_trial_reaches_the_last_epoch(tmp_path):
    search = Search(tmp_path / "demo", SCHEDULES)
    search.trial(0.5, 0.6, lr_schedule="constant")
    search.trial(0.4, diverges=True, lr_schedule="cosine")
    assert of(search, "lr_schedule").empty
    assert_named("lr_schedule reached", effects(search).caption)


def test_no_value_is_cut_in_a_terminal_of_80_columns(tmp_path):
    space = TWO_MODELS.replace("[sgd, adam]", "[sgd, rmsprop]")
    space += "  augment_strength: {type: float, low: 0.1, high: 1.0}\n"
    search = Search(tmp_path / "demo", space)
    search.trial(0.5, model="resnet", optimizer="rmsprop", lr=2e-3, augment_strength=0.3)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(effects(search).to_rich())
    text = console.export_text()
    for words in ("rmsprop, 1e-3 to 1e-2", "augment_strength", "resnet", "0.5000"):
        assert words in text
    assert "median" in text.split("optimizer, lr")[0]
