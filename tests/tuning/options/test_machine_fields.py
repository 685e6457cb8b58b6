import os

import pytest

from tune_mnist.tuning.options.machine_fields import MachineFields


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
    options = MachineFields(**{"device": "cpu", **given})
    assert options.fills_machine(gpu=False) is expected
    assert options.model_copy(update={"device": "auto"}).fills_machine(gpu=True) is False
