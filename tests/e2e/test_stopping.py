"""A search that ends at its target accuracy, before its last trial."""

import json

import pandas as pd
import pytest

from tests.e2e.commands import in_this_process
from tune_mnist.search import search

pytestmark = pytest.mark.e2e
DIGITS = ("--dataset", "digits", "--fraction", "1")


def test_a_search_ends_at_its_target_and_is_not_continued(tmp_path, small_ray):
    place = ("--output-dir", str(tmp_path), "--name", "target")
    in_this_process(
        search,
        *DIGITS,
        *("--num-samples", "12", "--max-epochs", "4", "--max-concurrent", "1"),
        *("--target-accuracy", "0.3", "--final-seeds", "1"),
        *place,
    )
    folder = tmp_path / "target"
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["val_accuracy"].max() >= 0.3
    assert len(trials) < 12
    assert "target accuracy" in (folder / "summary.md").read_text()
    assert json.loads((folder / "final" / "lenet" / "seed-0.json").read_text())["test_accuracy"]
    in_this_process(search, "--resume", *place)
    assert len(pd.read_csv(folder / "trials.csv")) == len(trials)
    assert "target accuracy" in (folder / "summary.md").read_text()
