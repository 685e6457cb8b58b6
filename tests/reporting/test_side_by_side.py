import pytest

from tests.reporting.searches import FACTS, Search
from tune_mnist.errors import UserError
from tune_mnist.reporting.side_by_side import compare_searches


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


def test_a_search_given_twice_is_refused(searches):
    with pytest.raises(UserError, match="given twice"):
        tables(searches[0], searches[0])
