import os

import pytest
import ray

from tune_mnist.tuning.cluster.connection import count_fitting
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.planning import plan
from tune_mnist.tuning.spaces.space import load_space


@pytest.mark.parametrize(
    ("nodes", "cpus", "gpus", "expected"),
    [
        ([{"CPU": 2.0}], 1, 0, 2),
        ([{"CPU": 3.0}, {"CPU": 3.0}], 2, 0, 2),  # one on each, not three on six cores
        ([{"CPU": 33.0}], 1.1, 0, 30),
        ([{"CPU": 8.0, "GPU": 2.0}], 1, 0.6, 2),  # a share lies on one GPU
        ([{"CPU": 8.0, "GPU": 2.0}], 1, 0.25, 8),
        ([{"CPU": 8.0, "GPU": 4.0}], 1, 2, 2),
        ([{"CPU": 8.0}], 1, 1, 0),
    ],
)
def test_how_many_trials_fit(monkeypatch, nodes, cpus, gpus, expected):
    alive = [{"Alive": True, "Resources": node} for node in nodes]
    monkeypatch.setattr(ray, "nodes", lambda: [*alive, {"Alive": False, "Resources": {"CPU": 9}}])
    assert count_fitting(cpus, gpus) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"max_concurrent": 1}, False),
        ({"cpus_per_trial": 4}, False),
        ({"max_concurrent": 4}, True),
        ({"gpus_per_trial": 0.5}, False),
        ({"address": "auto"}, False),
    ],
)
def test_whether_trials_fill_eight_cores(monkeypatch, given, expected):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    options = SearchOptions.for_space(load_space("lenet"), device="cpu", **given)
    assert plan.fills_machine(options) is expected
