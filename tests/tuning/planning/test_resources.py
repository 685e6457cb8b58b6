import os

import pytest

from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning import resources
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
def test_trials_that_use_eight_cores(monkeypatch, given, expected):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    options = SearchOptions.for_space(load_space("lenet"), **{"device": "cpu", **given})
    assert resources.fills_machine(options) is expected


@pytest.mark.parametrize(
    ("given", "gpus", "words"),
    [
        ({"device": "cuda"}, 0, "--device cuda: trials get no GPU, because there is none"),
        (
            {"device": "cuda", "gpus_per_trial": 0},
            1,
            "--device cuda: trials get no GPU, because of --gpus-per-trial 0",
        ),
        (
            {"device": "cpu", "gpus_per_trial": 1},
            1,
            "--gpus-per-trial 1 contradicts --device cpu",
        ),
    ],
)
def test_an_unavailable_device_is_refused(given, gpus, words):
    options = SearchOptions.for_space(load_space("lenet"), **given)
    machine = Resources(cpus=2, gpus=gpus, nodes=1, dashboard=None, head=None)
    with pytest.raises(UserError) as caught:
        resources.place(options, machine)
    assert words in str(caught.value)
