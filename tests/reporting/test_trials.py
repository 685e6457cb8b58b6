import re

import pytest

from tests.messages import assert_named, is_named
from tests.reporting.searches import ONE_MODEL, Search, best_config
from tune_mnist.reporting.summary import search_tables
from tune_mnist.reporting.trials import trial_tables
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.storage.kept_models import write_config

RIGHT = [[1, 0], [0, 1]]


@pytest.fixture
def search(tmp_path):
    return Search(tmp_path / "demo")


def tables(search):
    return {table.name: table for table in trial_tables(search.read())}


def three_trials(search):
    search.trial(0.8, 0.95, 0.9)
    search.trial(0.97, model="resnet")
    search.trial(0.9, 0.98, 0.99, model="resnet", optimizer="sgd", momentum=0.9)
    search.trial(diverges=True)


def test_each_architecture_shows_its_best_trial_best_first(search):
    three_trials(search)
    cells = tables(search)["best"].cells
    assert list(cells["model"]) == ["resnet", "lenet"]
    assert list(cells["val_accuracy (selected)"]) == ["0.9900", "0.9500"]
    assert list(cells["trial"]) == ["2", "0"]
    assert list(cells["trials"]) == ["2", "2"]
    assert list(cells["momentum"]) == ["0.90", "-"]
    assert "test accuracy" not in cells


def test_costs_are_those_of_the_best_trial_at_the_image_size(search):
    three_trials(search)
    cells = tables(search)["costs"].cells
    assert list(cells["parameters"]) == ["11,178,378", "61,706"]
    assert list(cells["MFLOPs per image"]) == ["66.01", "0.83"]  # of two classes
    assert list(cells["s per epoch"]) == ["2.0", "2.0"]
    assert list(cells["best epoch"]) == ["3", "2"]
    assert list(cells["s to best"]) == ["6.0", "4.0"]


def test_the_test_accuracy_is_shown_for_the_tested_configuration(search):
    three_trials(search)
    search.final("resnet", 2, 0, RIGHT)
    search.final("resnet", 2, 1, [[1, 0], [1, 0]])
    table = tables(search)["best"]
    cells = table.cells
    # Test accuracies above and below the selected val_accuracy are both as described.
    assert {"val_accuracy", "lower", "higher"} <= set(re.findall(r"\w+", table.caption))
    assert list(cells["test accuracy"]) == ["0.7500 ± 0.3536", "-"]
    assert list(cells["seeds"]) == ["2", "-"]
    assert list(cells["val_accuracy (selected)"]) == ["0.9900", "0.9500"]


def test_the_test_accuracy_of_a_beaten_trial_is_not_shown_for_another(search):
    three_trials(search)
    search.final("resnet", 1, 0, RIGHT)
    table = tables(search)["best"]
    assert "test accuracy" not in table.cells
    assert is_named("trial 1", table.caption)


def test_another_finalist_is_not_called_beaten(search):
    three_trials(search)
    search.final("resnet", 2, 0, RIGHT)
    search.final("resnet", 1, 0, RIGHT, best=False)
    assert not is_named("trial 1", tables(search)["best"].caption)


def test_the_tested_one_of_two_equal_trials_is_shown(search):
    search.trial(0.9)
    search.trial(0.9)
    assert list(tables(search)["best"].cells["trial"]) == ["0"]
    search.final("lenet", 1, 0, RIGHT)
    cells = tables(search)["best"].cells
    assert (list(cells["trial"]), list(cells["test accuracy"])) == (["1"], ["1.0000"])


def test_the_top_table_has_at_most_ten_trials_with_their_states(search):
    for number in range(11):
        search.trial(0.5 + number / 100)
    search.trial(0.9, 0.9, 0.9)
    search.trial(0.8, ends=False)
    search.trial(ends=False)
    table = tables(search)["top"]
    assert_named("10", table.title)
    assert len(table.cells) == 10
    assert list(table.cells["trial"])[:3] == ["11", "12", "10"]
    assert list(table.cells["state"])[:3] == ["COMPLETE", "INTERRUPTED", "PRUNED"]
    assert "INTERRUPTED: " in table.caption


@pytest.mark.parametrize("accuracies", [(0.9,), (0.9, 0.9, 0.9)])
def test_a_pruned_trial_is_explained_only_if_it_is_the_best(search, accuracies):
    search.trial(0.8)
    search.trial(*accuracies)
    pruned = len(accuracies) < 3
    for name in ("best", "top"):
        assert is_named("PRUNED", tables(search)[name].caption) == pruned


def test_several_objectives_have_a_pareto_set(tmp_path):
    search = Search(tmp_path / "demo", objective="val_accuracy,parameters")
    search.trial(0.9, 0.9, 0.95)
    search.trial(0.9, 0.9, 0.97, model="resnet")
    search.trial(0.9, 0.9, 0.99, model="resnet")
    table = tables(search)["pareto"]
    assert_named("val_accuracy parameters", table.title)
    # Trial 1 is as large as trial 2 and less accurate; no trial beats the small trial 0.
    assert list(table.cells["trial"]) == ["2", "0"]


def test_an_interrupted_trial_is_in_no_pareto_set(tmp_path):
    search = Search(tmp_path / "demo", objective="val_accuracy,train_seconds")
    search.trial(0.99, ends=False)
    assert "pareto" not in tables(search)
    search.trial(0.9, 0.9, 0.95)
    assert list(tables(search)["pareto"].cells["trial"]) == ["1"]


def test_a_diverged_or_failed_trial_ranks_after_all_others(search):
    search.trial(0.99, diverges=True)
    search.trial(0.98, fails="its worker died")
    search.trial(0.9)
    search.trial(0.7, fails="its worker died", model="resnet")
    cells = tables(search)["best"].cells
    assert list(cells["trial"]) == ["2", "3"]
    assert list(cells["state"]) == ["PRUNED", "FAILED"]


def test_without_results_there_are_no_tables(search):
    search.trial(ends=False)
    search.trial(diverges=True)
    assert tables(search) == {}


@pytest.mark.parametrize(("kept", "shown"), [(0, True), (1, False)])
def test_the_accuracy_on_all_validation_images_is_shown_for_its_trial_only(search, kept, shown):
    search.trial(0.9)
    search.trial(0.95, diverges=True)
    folder = search.directory / "best" / "lenet"
    folder.mkdir(parents=True)
    write_config(folder, best_config("lenet", kept, full_val_accuracy=0.8765))
    table = tables(search)["best"]
    assert list(table.cells["trial"]) == ["0"]
    assert ("0.8765" in table.cells.to_string()) == shown
    assert ("all validation images" in table.caption) == shown


def test_missing_final_runs_are_counted_in_the_caption(search):
    search.trial(0.9)
    search.final("lenet", 0, 0, [[9, 1], [0, 10]])
    search.final("lenet", 0, 2, [[9, 1], [0, 10]])
    found = {table.name: table for table in search_tables(search.read())}
    for name in ("best", "final"):
        assert_named("2 3 lenet --resume", found[name].caption)


def test_missing_final_runs_of_a_search_that_cannot_be_resumed_get_no_advice(tmp_path):
    search = Search(tmp_path / "demo", scheduler="hyperband", max_epochs=9)
    search.trial(0.9)
    search.final("lenet", 0, 0, [[9, 1], [0, 10]])
    found = {table.name: table for table in search_tables(search.read())}
    for name in ("best", "final"):
        assert_named("1 3 lenet", found[name].caption)
        assert "--resume" not in found[name].caption


def test_trials_without_final_runs_that_only_guess_are_named_in_the_caption(tmp_path):
    search = Search(tmp_path / "some", guessing_level=0.2)
    search.trial(0.9)
    search.trial(0.1, 0.2, 0.1, model="resnet")

    def words():
        return tables(search)["best"].caption

    assert "guessing" not in words()  # the search is still running
    search.end(StopReason.INTERRUPTED)
    assert "guessing" not in words()  # there are no final runs for another reason
    search.end()
    assert_named(["guessing", "0.2000", "trial 1", "resnet"], words())
    assert "trial 0" not in words()
    search.final("resnet", 1, 0, [[9, 1], [0, 10]])
    assert "guessing" not in words()


def test_a_search_that_wanted_no_final_runs_skips_none(tmp_path):
    search = Search(tmp_path / "none", guessing_level=0.2, final_seeds=0)
    search.trial(0.1)
    search.end()
    assert "guessing" not in tables(search)["best"].caption


def test_trials_that_reached_a_later_stage_rank_first(tmp_path):
    stages = "fidelity: [{epochs: 1, fraction: 0.1}, {epochs: 2, fraction: 0.5}]\n"
    search = Search(tmp_path / "staged", ONE_MODEL + stages, fraction=1.0)
    search.trial(0.99)
    search.trial(0.9, 0.91, 0.92)
    search.trial(0.9, 0.95)
    search.trial(0.9, 0.91, 0.93)
    found = tables(search)
    assert list(found["best"].cells["trial"]) == ["3"]
    assert list(found["top"].cells["trial"]) == ["3", "1", "2", "0"]
    assert list(found["top"].cells["stage"]) == ["3", "3", "2", "1"]
    assert_named("stage", found["top"].caption)
