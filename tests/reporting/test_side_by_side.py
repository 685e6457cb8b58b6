import io
import re

import numpy as np
import pytest
from rich.console import Console

from tests.messages import assert_named, assert_refused, is_named
from tests.reporting.searches import FACTS, ONE_MODEL, Search
from tune_mnist.data import Dataset
from tune_mnist.reporting.side_by_side import compare_searches
from tune_mnist.reporting.tables import COLUMNS
from tune_mnist.reporting.verdict_of_searches import verdict_lines
from tune_mnist.tuning.recording.trial_record import NOT_LEARNED_YET


def tables(*searches):
    return {table.name: table for table in compare_searches([s.read() for s in searches])}


@pytest.fixture
def searches(tmp_path):
    small, large = Search(tmp_path / "small"), Search(tmp_path / "large", image_size=64, seed=3)
    small.trial(0.9, 0.91, 0.92)
    small.trial(0.8, model="resnet")
    number = large.trial(0.9, 0.96, 0.97, model="resnet")
    large.final("resnet", number, 0, [[1, 0], [0, 1]])
    return small, large


def test_the_best_trials_are_grouped_by_architecture(searches):
    cells = tables(*searches)["best"].cells
    rows = zip(cells["model"], cells["search"], cells["val_accuracy (selected)"], strict=True)
    assert list(rows) == [
        ("lenet", "small", "0.9200"),
        ("resnet", "large", "0.9700"),
        ("resnet", "small", "0.8000"),
    ]
    assert list(cells["test accuracy"]) == ["-", "1.0000", "-"]
    assert list(cells["state"]) == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert_named("PRUNED", tables(*searches)["best"].caption)


def test_flops_are_computed_at_each_searchs_image_size(searches):
    flops = list(tables(*searches)["costs"].cells["MFLOPs per image"])
    assert flops == ["0.83", "283.25", "66.01"]


def test_each_search_has_a_description(searches):
    cells = tables(*searches)["setups"].cells
    assert list(cells["search"]) == ["small", "large"]
    assert list(cells["seed"]) == ["0", "3"]
    assert list(cells["epochs"]) == ["3", "3"]
    assert set(cells["data"]) == {FACTS["data"]}
    assert set(cells["hardware"]) == {FACTS["hardware"]}


def test_a_search_without_a_result_is_shown(searches, tmp_path):
    none = Search(tmp_path / "none")
    none.trial(ends=False)
    cells = tables(*searches, none)["best"].cells
    assert (cells["search"].iloc[-1], cells["val_accuracy (selected)"].iloc[-1]) == ("none", "-")
    assert list(tables(none)) == ["setups"]


def test_searches_with_the_same_name_are_named_by_folder(searches, tmp_path):
    (tmp_path / "other").mkdir()
    twin = Search(tmp_path / "other" / "small")
    twin.trial(0.5)
    names = set(tables(searches[0], twin)["best"].cells["search"])
    assert names == {str(tmp_path / "small"), str(tmp_path / "other" / "small")}


def with_final_runs(directory, wrong, **given):
    """Return a search whose final runs misclassify some of a hundred test images."""
    search = Search(directory, **given)
    number = search.trial(0.9, 0.96, 0.97)
    for seed in range(3):
        count = wrong + seed
        search.final("lenet", number, seed, [[50 - count, count], [0, 50]])
    return search


def test_the_verdict_compares_final_runs_on_the_same_test_images(tmp_path):
    better, worse = (
        with_final_runs(tmp_path / "better", 1),
        with_final_runs(tmp_path / "worse", 20),
    )
    untested = Search(tmp_path / "untested", chance_level=0.9)
    untested.trial(0.85)
    searches = [each.read() for each in (worse, better, untested)]
    first, second, third = verdict_lines(searches)
    assert re.search("better.* 0[.]98.* above .*worse", first)
    assert "untested" not in first
    assert_named("untested", second)
    assert_named(["untested", NOT_LEARNED_YET], third)
    found = compare_searches(searches)
    assert [table.name for table in found] == ["differences", "best", "costs", "setups"]
    cells = found[0].cells
    assert list(cells.iloc[0][["better", "worse"]]) == ["lenet of better", "lenet of worse"]
    headings = [heading for heading in cells if is_named("95%", heading)]
    assert_named("seeds", headings[0])
    assert_named("images", headings[1])


def test_no_word_is_cut_in_80_columns(tmp_path):
    searches = [
        with_final_runs(tmp_path / "better", 1).read(),
        with_final_runs(tmp_path / "worse", 20).read(),
    ]
    for table in compare_searches(searches):
        stream = io.StringIO()
        Console(file=stream, width=80).print(table.to_rich())
        printed = set(stream.getvalue().split())
        for heading in {"better", "worse", "difference", COLUMNS["over_seeds"], "p", "verdict"}:
            words = " ".join(table.cells.get(heading, [])).split()
            assert set(words) <= printed


def test_accuracies_on_different_test_images_are_not_compared(tmp_path):
    other = Dataset(
        "digits",
        *(np.ones((1, 28, 28), np.uint8), np.zeros(1, np.int64)) * 2,
        ("0", "1"),
    )
    searches = [
        with_final_runs(tmp_path / "one", 1).read(),
        with_final_runs(tmp_path / "two", 20, dataset=other).read(),
    ]
    lines = verdict_lines(searches)
    assert [line.split(":")[0].split()[-1] for line in lines] == ["one", "two"]
    assert not any("above" in line or "tied" in line for line in lines)
    assert [table.name for table in compare_searches(searches)] == ["best", "costs", "setups"]


def test_a_search_given_twice_is_refused(searches):
    assert_refused([str(searches[0].directory)], tables, searches[0], searches[0])


def test_a_hyperparameter_that_is_not_searched_has_its_default(tmp_path):
    extended = ONE_MODEL.replace(
        "  momentum:",
        "  augment: {type: categorical, choices: [none, affine]}\n"
        "  augment_strength: {type: float, low: 0.1, high: 1.0}\n"
        "  model.activation: {type: categorical, choices: [relu]}\n  momentum:",
    )
    plain = "\n".join(
        line for line in ONE_MODEL.splitlines() if not re.match(" *(optimizer|momentum)", line)
    )
    whole, without = Search(tmp_path / "whole", extended), Search(tmp_path / "without", plain)
    given = {"augment": "affine", "augment_strength": 0.5, "model.activation": "relu"}
    whole.trial(0.9, 0.91, 0.92, optimizer="sgd", momentum=0.9, **given)
    without.trial(0.9, 0.91, 0.91)
    cells = tables(whole, without)["best"].cells
    assert list(cells["search"]) == ["whole", "without"]
    assert list(cells["optimizer"]) == ["sgd", "adam"]
    assert list(cells["augment"]) == ["affine", "none"]
    assert list(cells["model.activation"]) == ["relu", "sigmoid"]
    # Those that have no effect with the other values of the trial stay missing.
    assert list(cells["momentum"]) == ["0.90", "-"]
    assert list(cells["strength"]) == ["0.50", "-"]
