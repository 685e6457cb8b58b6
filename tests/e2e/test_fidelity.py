"""A search with stages: trials start with smaller and fewer images."""

import json

import pandas as pd
import pytest

from tests.e2e.commands import in_this_process
from tests.messages import assert_named
from tune_mnist.search import search

pytestmark = pytest.mark.e2e
SPACE = """
description: ResNet on small digits first
model: resnet
parameters:
  lr: {type: float, low: 1.0e-3, high: 1.0e-2, log: true}
  model.width: {type: categorical, choices: [8]}
fidelity:
  - {epochs: 1, image_size: 28, fraction: 0.1}
  - {epochs: 2, image_size: 32}
defaults: {image_size: 40, fraction: 0.2, max_epochs: 3, num_samples: 4}
"""
STAGES = {1: (1, 28, 0.1), 2: (2, 32, 0.2), 3: (3, 40, 0.2)}


def epochs_of(directory):
    """Yield the number of the trial and the content of each report."""
    for path in sorted(directory.glob("ray/*/result.json")):
        for line in path.read_text().splitlines():
            yield int(path.parent.name[:5]), json.loads(line)


def test_a_search_in_stages_ends_at_its_own_fidelity(tmp_path, small_ray):
    path = tmp_path / "small-first.yaml"
    path.write_text(SPACE)
    out = in_this_process(
        search,
        *("--space", str(path), "--dataset", "digits", "--final-seeds", "0"),
        *("--fraction", "0.2"),  # the default would be raised for a small data set
        *("--output-dir", str(tmp_path), "--name", "staged"),
    )
    stages = next(line for line in out.splitlines() if "32x32" in line)
    assert_named("1 28x28 0.1 2", stages)
    assert "stage 3" in out

    directory = tmp_path / "staged"
    for _, epoch in epochs_of(directory):
        assert (epoch["stage"], epoch["image_size"], epoch["fraction"]) == STAGES[epoch["epoch"]]
    trials = pd.read_csv(directory / "trials.csv")
    assert set(trials["state"]) == {"COMPLETE", "PRUNED"}
    assert (trials["stage"] == trials["epochs"]).all()
    assert (trials["best_epoch"] == trials["epochs"]).all()
    best = json.loads((directory / "best" / "resnet" / "config.json").read_text())
    assert (best["epoch"], best["image_size"]) == (3, 40)
    complete = trials[trials["state"] == "COMPLETE"]
    assert best["trial"] in set(complete["trial"])
    summary = (directory / "summary.md").read_text()
    assert "32x32" in summary
    assert f"| resnet  | {best['trial']:>5} |".replace(" ", "") in summary.replace(" ", "")
