"""Which commands start Ray before they import PyTorch."""

import json
import os
from importlib.util import find_spec

import pytest

from tests.e2e.commands import python
from tune_mnist.tuning.cluster.connection import prepare_environment
from tune_mnist.tuning.ray_internals.settings import PRELOADED_MODULES

DECIDE = """
import json, sys
from tune_mnist.search import search
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning import early_start

def decided(options):
    starts = []
    early_start.start_early = lambda **given: starts.append(given)
    early_start.start_ray_early(search.make_context("search", options).params)
    return starts

cases = json.loads(sys.argv[1])
outside_a_command = decided([])
stop_signals.install()
print(json.dumps([outside_a_command, *map(decided, cases)]))
"""
ALL_CORES = [{"all_cores": True, "with_dashboard": True}]
FEW_CORES = [{"all_cores": False, "with_dashboard": True}]
NO_DASHBOARD = [{"all_cores": True, "with_dashboard": False}]
NOT_EARLY = []
CASES = [
    ([], ALL_CORES),
    (["--space", "unknown"], ALL_CORES),
    (["--budget", "10m"], ALL_CORES),
    (["--gpus-per-trial", "1"], FEW_CORES),
    (["--no-dashboard"], NO_DASHBOARD),
    (["--resume", "folder"], NOT_EARLY),
    (["--address", "10.0.0.1:6379"], NOT_EARLY),
    (["--models", __file__], NOT_EARLY),
]


@pytest.fixture(scope="module")
def decisions():
    """Decisions of a new process: first outside a command, then for each case."""
    cases = json.dumps([options for options, _ in CASES])
    return json.loads(python("-c", DECIDE, cases, CUDA_VISIBLE_DEVICES="").stdout)


def test_a_process_that_is_not_of_a_command_does_not_start_ray(decisions):
    assert decisions[0] == NOT_EARLY


@pytest.mark.parametrize("number", range(len(CASES)), ids=[" ".join(each) for each, _ in CASES])
def test_only_a_new_search_on_this_machine_starts_ray(decisions, number):
    assert decisions[1 + number] == CASES[number][1]


def test_a_cluster_in_the_environment_is_not_replaced():
    given = {"CUDA_VISIBLE_DEVICES": "", "RAY_ADDRESS": "10.0.0.1:6379"}
    assert json.loads(python("-c", DECIDE, "[[]]", **given).stdout) == [NOT_EARLY, NOT_EARLY]


def test_workers_can_import_the_modules_that_they_import_early(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    prepare_environment("127.0.0.1:1", all_cores=True)
    assert all(map(find_spec, os.environ[PRELOADED_MODULES].split(",")))
