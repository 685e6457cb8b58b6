import os

import pytest

from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.planning import plan
from tune_mnist.tuning.spaces.space import load_space


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"max_concurrent": 1}, False),
        ({"cpus_per_trial": 4}, False),
        ({"max_concurrent": 4}, True),
        ({"gpus_per_trial": 0.5}, False),
        ({"device": "cuda"}, False),
    ],
)
def test_whether_trials_fill_eight_cores(monkeypatch, given, expected):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    options = SearchOptions.for_space(load_space("lenet"), **{"device": "cpu", **given})
    assert plan.fills_machine(options) is expected
