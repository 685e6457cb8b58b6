"""Keywords of networks in tables and plots of a search whose trials have different keywords."""

import pytest

from tests.reporting import searches
from tests.reporting.searches import Search
from tune_mnist.reporting.plots import draw
from tune_mnist.reporting.summary import search_tables

SPACE = """
description: keywords
model: {type: categorical, choices: [lenet, vggnet]}
parameters:
  lr:               {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  model.width:      {type: int, low: 4, high: 16}
  model.pooling:    {type: categorical, choices: [avg, max], when: {model: lenet}}
  model.batch_norm: {type: categorical, choices: [false, true], when: {model: vggnet}}
  model.depth:      {type: categorical, choices: [11, 13, 16], when: {model: vggnet}}
"""
LENET = {"model": "lenet", "lr": 0.01}
VGG = {"model": "vggnet", "lr": 0.001}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setitem(searches.COUNTS, "vggnet", 1_000_000)
    monkeypatch.setattr(searches, "PARAMETERS", {})
    search = Search(tmp_path / "demo", SPACE)
    for number in range(6):
        width, odd = {"model.width": 4 + 2 * number}, bool(number % 2)
        lenet = LENET | width | {"model.pooling": "max" if odd else "avg"}
        search.trial(0.5, 0.6, 0.7 + number / 100, **lenet)
        vgg = VGG | width | {"model.depth": (11, 13, 16)[number % 3], "model.batch_norm": odd}
        search.trial(0.6, 0.7, 0.8 + number / 100, **vgg)
    return search.read()


def test_every_keyword_has_a_column_and_integers_stay_integers(results):
    tables = {table.name: table for table in search_tables(results)}
    best = tables["best"].cells
    assert list(best["model.width"]) == ["14", "14"]
    assert list(best["model.pooling"]) == ["-", "max"]
    assert list(best["model.batch_norm"]) == ["True", "-"]
    assert list(best["model.depth"]) == ["16", "-"]


def test_flops_are_computed_for_the_best_trials_network(results):
    costs = next(table for table in search_tables(results) if table.name == "costs")
    flops = dict(zip(costs.cells["model"], costs.cells["MFLOPs per image"], strict=True))
    # LeNet needs 0.83 MFLOPs by default, with a width of 6.
    assert float(flops["lenet"]) > 3


def test_every_keyword_has_its_plot(results):
    drawn = draw(results)
    keys = {plot.key for plot in drawn.plots}
    for keyword in ("width", "pooling", "batch_norm", "depth"):
        assert f"slice-model.{keyword}" in keys
    assert {"rank", "parallel"} <= keys, drawn.left_out
