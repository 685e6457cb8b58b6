"""Searches that end before their last trial, and searches over several architectures."""

import json

import pandas as pd
import pytest

from tests.e2e.commands import run

pytestmark = pytest.mark.e2e
DIGITS = ("--dataset", "digits", "--fraction", "1")


def test_a_search_ends_at_its_target_and_is_not_continued(tmp_path):
    place = ("--output-dir", str(tmp_path), "--name", "target")
    result = run(
        "search",
        *DIGITS,
        *("--num-samples", "12", "--max-epochs", "8", "--max-concurrent", "1"),
        *("--target-accuracy", "0.3", "--final-seeds", "1"),
        *place,
    )
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "target"
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["val_accuracy"].max() >= 0.3
    assert len(trials) < 12
    assert "target accuracy" in (folder / "summary.md").read_text()
    assert json.loads((folder / "final" / "lenet" / "seed-0.json").read_text())["test_accuracy"]
    again = run("search", "--resume", *place)
    assert again.returncode == 0, again.stderr
    assert len(pd.read_csv(folder / "trials.csv")) == len(trials)
    assert "target accuracy" in (folder / "summary.md").read_text()


def test_every_architecture_gets_its_share_of_trials_and_a_complete_one(tmp_path):
    space = tmp_path / "two.yaml"
    space.write_text(
        "description: a small network and a large one\n"
        "model: {type: categorical, choices: [lenet, resnet]}\n"
        "parameters:\n"
        "  lr: {type: float, low: 1.0e-3, high: 1.0e-2, log: true}\n"
    )
    result = run(
        "search",
        *("--space", str(space), "--dataset", "digits", "--fraction", "0.3"),
        *("--image-size", "28", "--num-samples", "8", "--max-epochs", "3"),
        *("--final-seeds", "1", "--output-dir", str(tmp_path), "--name", "two"),
    )
    assert result.returncode == 0, result.stderr
    trials = pd.read_csv(tmp_path / "two" / "trials.csv")
    assert dict(trials["model"].value_counts()) == {"lenet": 4, "resnet": 4}
    complete = trials[trials["state"] == "COMPLETE"]
    assert set(complete["model"]) == {"lenet", "resnet"}
    tested = {path.parent.name for path in (tmp_path / "two" / "final").glob("*/seed-0.json")}
    assert tested == {"lenet", "resnet"}
