import pytest

from tests.reporting.searches import ONE_MODEL, Search
from tune_mnist.reporting.effects import effect_tables


@pytest.fixture
def search(tmp_path):
    return Search(tmp_path / "demo", ONE_MODEL)


def effects(search):
    return {table.name: table for table in effect_tables(search.read())}


def test_trials_are_compared_at_the_epoch_that_all_of_them_reached(search):
    search.trial(0.5, 0.6, 0.99, batch_size=32)
    search.trial(0.7, 0.8, batch_size=64)  # pruned after epoch 2
    table = effects(search)["effect_batch_size"]
    assert "after epoch 2 of 3" in table.caption
    assert list(table.cells["batch"]) == ["32", "64"]
    assert list(table.cells["median"]) == ["0.6000", "0.8000"]
    assert list(table.cells["best of all epochs"]) == ["0.9900", "0.8000"]


def test_a_diverged_trial_counts_as_the_worst(search):
    search.trial(0.9)
    search.trial(0.8)
    search.trial(0.95, diverges=True)
    search.trial(diverges=True, batch_size=64)
    table = effects(search)["effect_batch_size"]
    assert list(table.cells["trials"]) == ["3", "1"]
    assert list(table.cells["median"]) == ["0.8000", "diverged"]
    assert list(table.cells["best"]) == ["0.9000", "diverged"]
    assert list(table.cells["best of all epochs"]) == ["0.9500", "diverged"]
    assert list(table.cells["diverged"]) == ["33%", "100%"]


def test_what_failed_or_was_cut_off_before_is_left_out_and_counted(search):
    search.trial(0.5, 0.6)
    search.trial(0.7, 0.75, 0.8)
    search.trial(0.9, fails="its worker died")
    search.trial(0.9, ends=False)
    search.trial(ends=False)
    search.trial(0.7, 0.65, ends=False)  # cut off as well, but late enough to compare
    table = effects(search)["effect_dropout"]
    assert list(table.cells["trials"]) == ["3"]
    assert list(table.cells["median"]) == ["0.6500"]
    assert "Left out: 3" in table.caption


def test_a_search_cut_off_early_compares_what_it_has(search):
    search.trial(0.5, 0.6, ends=False)
    search.trial(0.7, ends=False)
    table = effects(search)["effect_dropout"]
    assert "after epoch 1 of 3" in table.caption
    assert list(table.cells["median"]) == ["0.6000"]


def test_optimizer_and_learning_rate_are_crossed(search):
    search.trial(0.5, lr=1e-2, optimizer="adam")
    search.trial(0.6, lr=2e-3, optimizer="sgd", momentum=0.5)
    search.trial(0.7, lr=1e-3, optimizer="sgd", momentum=0.5)
    cells = effects(search)["effect_optimizer_lr"].cells
    rows = list(zip(cells["optimizer"], cells["lr"], cells["median"], strict=True))
    assert rows == [("sgd", "1e-3 to 1e-2", "0.6500"), ("adam", "1e-2 to 1e-1", "0.5000")]


def test_a_conditional_parameter_compares_the_trials_that_have_it(search):
    search.trial(0.5, optimizer="adam")
    search.trial(0.6, optimizer="sgd", momentum=0.5)
    assert list(effects(search)["effect_momentum"].cells["trials"]) == ["1"]


def test_a_parameter_that_no_trial_has_gives_no_table(search):
    search.trial(0.5, optimizer="adam")
    assert "effect_momentum" not in effects(search)


def test_architectures_are_kept_apart(tmp_path):
    search = Search(tmp_path / "demo")
    search.trial(0.5, model="resnet")
    search.trial(0.7, model="lenet")
    cells = effects(search)["effect_dropout"].cells
    assert list(cells["model"]) == ["lenet", "resnet"]
    assert list(cells["median"]) == ["0.7000", "0.5000"]


def test_with_several_objectives_trials_compare_by_their_best_epoch(tmp_path):
    search = Search(tmp_path / "demo", objective="val_accuracy,parameters")
    search.trial(0.5, 0.9, 0.7)
    search.trial(0.95, ends=False)
    table = effects(search)["effect_dropout"]
    assert list(table.cells["median"]) == ["0.9000"]
    assert "best epoch up to epoch 3" in table.caption


def test_the_caption_warns_of_a_searcher_that_has_favourites(tmp_path):
    for searcher, warned in (("tpe", True), ("random", False)):
        search = Search(tmp_path / searcher, searcher=searcher)
        search.trial(0.5)
        assert ("hint" in effects(search)["effect_dropout"].caption) is warned


def test_without_an_epoch_there_is_nothing_to_compare(search):
    search.trial(ends=False)
    search.trial(diverges=True)
    assert effects(search) == {}


def test_no_setting_is_credited_with_what_a_trial_did_with_those_of_another(search):
    other = {"epoch": 2, "donor": 1, "params": {"model": "lenet", "lr": 0.1}}
    search.trial(0.5, 0.6, 0.9, takeovers=[other], batch_size=32)
    search.trial(0.7, 0.8, 0.85, batch_size=64)
    table = effects(search)["effect_batch_size"]
    assert list(table.cells["median"]) == ["0.6000", "0.8000"]
    assert list(table.cells["best of all epochs"]) == ["0.6000", "0.8500"]
    assert "took over" in table.caption
