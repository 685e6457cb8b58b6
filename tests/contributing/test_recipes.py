"""The recipes of CONTRIBUTING.md, followed by the letter: each adds something that works."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.contributing.recipes import copy_project, read_recipes

RECIPES = read_recipes()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which all recipes have been followed."""
    copy = copy_project(tmp_path_factory.mktemp("recipes") / "project")
    for blocks in RECIPES.values():
        for block in blocks:
            block.apply(copy)
    return copy


def python(project: Path, *arguments: str) -> str:
    """Run Python in the copy, whose package comes before the installed one."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def help_of(project: Path) -> Callable[[str], str]:
    """Function that returns the help of a command."""
    return cache(lambda command: python(project, "-m", f"tune_mnist.{command}", "--help"))


NETWORK = """
from tune_mnist import run_training
from tune_mnist.tuning.spaces.space import load_space
assert load_space("mlp").models == ("mlp",)
run = run_training("mlp", "digits", lr=0.01, epochs=2, **{"model.width": 64})
assert run.config.model_options == {"width": 64}
assert run.test_accuracy > 0.5, run.test_accuracy
"""
HYPERPARAMETER = """
from pathlib import Path
from tune_mnist import run_training
from tune_mnist.tuning.spaces.space import parse_space
text = '''
description: warm-up
model: lenet
parameters:
  lr: {type: float, low: 0.001, high: 0.1}
  warm_up: {type: float, low: 0.0, high: 2.0}
'''
assert "warm_up" in parse_space(text, Path("space.yaml")).parameters
given = dict(lr=0.01, epochs=1, precision="fp32", device="cpu")
without, warmed_up = (
    run_training("lenet", "digits", warm_up=epochs, name=str(epochs), **given).epochs
    for epochs in (0.0, 1.0)
)
assert without.train_loss[0] != warmed_up.train_loss[0]
"""
DATA_SET = """
from tune_mnist import run_training
network = {"model.activation": "relu", "model.pooling": "max"}
run = run_training("lenet", "stripes", lr=0.003, epochs=4, **network)
assert run.class_names == ("horizontal", "vertical")
assert run.test_accuracy > 0.9, run.test_accuracy
"""
PLOT = """
from pathlib import Path
from tests.reporting.studies import two_models
from tune_mnist.reporting.plots import draw, is_key
from tune_mnist.reporting.stored_search import read_search
folder = Path("two")
two_models(folder)
plots = {plot.key: plot for plot in draw(read_search(folder)).plots}
assert is_key("epochs", ()) and plots["epochs"].figure is not None
assert plots["epochs"].sentence.endswith("epochs."), plots["epochs"].sentence
"""
USES = {"network": NETWORK, "hyperparameter": HYPERPARAMETER, "data set": DATA_SET, "plot": PLOT}
RUN_ALL = """
import json, sys, traceback
faults = {}
for name, code in json.loads(sys.argv[1]).items():
    try:
        exec(code, {})
        faults[name] = ""
    except Exception:
        faults[name] = traceback.format_exc()
print(json.dumps(faults))
"""


@pytest.fixture(scope="module")
def faults(project: Path) -> dict[str, str]:
    """Traceback of each use of the additions that fails; all run in one process."""
    found = json.loads(python(project, "-c", RUN_ALL, json.dumps(USES)).splitlines()[-1])
    assert found.keys() == USES.keys()
    return found


def test_there_is_a_recipe_for_each_kind_of_addition() -> None:
    assert set(RECIPES) == {
        *("A network", "A hyperparameter", "A data set"),
        *("A searcher", "A scheduler", "A plot"),
    }
    assert all(RECIPES.values())


def test_an_addition_leaves_the_place_where_its_recipe_adds_the_next_one(project: Path) -> None:
    # The hyperparameter of the recipe is put into a formula.
    lists = [blocks for name, blocks in RECIPES.items() if name != "A hyperparameter"]
    for block in (block for blocks in lists for block in blocks if block.is_change):
        block.require_place(project)


def test_the_code_of_the_recipes_is_clean(project: Path) -> None:
    files = sorted({block.path for blocks in RECIPES.values() for block in blocks})
    sources = [path for path in files if path.endswith(".py")]
    python(project, "-m", "ruff", "check", "--no-cache", *sources)
    python(project, "-m", "ruff", "format", "--no-cache", "--check", *sources)


def test_a_new_network_is_listed_trained_and_has_a_space(help_of, faults) -> None:
    assert "mlp" in help_of("train")
    assert faults["network"] == ""


def test_a_new_hyperparameter_is_an_option_can_be_searched_and_changes_the_training(
    help_of, faults
) -> None:
    assert "--warm-up" in help_of("train")
    assert faults["hyperparameter"] == ""


def test_a_new_data_set_is_listed_and_can_be_learned(help_of, faults) -> None:
    assert "stripes" in help_of("search")
    assert faults["data set"] == ""


def test_a_new_plot_is_drawn_with_a_sentence(faults) -> None:
    assert faults["plot"] == ""


PAIRS = {"independent-tpe": ("asha-promotion", "none"), "gap": ("random",)}


@pytest.fixture(scope="module")
def contract(project: Path) -> list[str]:
    """Names of the contract's tests that the new searcher and the new scheduler pass."""
    wanted = [f"({name} and ({' or '.join(others)}))" for name, others in PAIRS.items()]
    options = ["-v", "-p", "no:cacheprovider", "-k", " or ".join(wanted)]
    lines = python(project, "-m", "pytest", "tests/tuning/contract", *options).splitlines()
    return [line.split(" ")[0] for line in lines if " PASSED" in line]


@pytest.mark.parametrize("name", PAIRS)
def test_a_new_searcher_or_scheduler_is_listed_and_keeps_the_contract(
    help_of, contract, name: str
) -> None:
    assert name in help_of("search")
    for other in PAIRS[name]:
        assert [test for test in contract if name in test and other in test]
