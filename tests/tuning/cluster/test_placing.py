import pytest
import ray

from tune_mnist.tuning.cluster.connection import starts_here
from tune_mnist.tuning.cluster.placement import count_fitting


@pytest.mark.parametrize(
    ("nodes", "cpus", "gpus", "expected"),
    [
        ([{"CPU": 2.0}], 1, 0, 2),
        ([{"CPU": 3.0}, {"CPU": 3.0}], 2, 0, 2),  # one per node, not three on six cores
        ([{"CPU": 33.0}], 1.1, 0, 30),
        ([{"CPU": 8.0, "GPU": 2.0}], 1, 0.6, 2),  # one fraction per GPU
        ([{"CPU": 8.0, "GPU": 2.0}], 1, 0.25, 8),
        ([{"CPU": 8.0, "GPU": 4.0}], 1, 2, 2),
        ([{"CPU": 8.0}], 1, 1, 0),
    ],
)
def test_number_of_concurrent_trials(nodes, cpus, gpus, expected):
    assert count_fitting(cpus, gpus, [{"Resources": node} for node in nodes]) == expected


def test_a_dead_node_runs_no_trial(monkeypatch):
    dead = {"Alive": False, "Resources": {"CPU": 9.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": {"CPU": 2.0}}, dead])
    assert count_fitting(1, 0) == 2


@pytest.mark.parametrize(
    ("address", "variable", "expected"),
    [
        (None, None, True),
        ("local", "10.0.0.1:6379", True),
        (None, "local", True),
        ("auto", None, False),
        (None, "10.0.0.1:6379", False),
    ],
)
def test_whether_ray_is_started_on_this_machine(monkeypatch, address, variable, expected):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert starts_here(address) is expected
