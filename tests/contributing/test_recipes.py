"""The recipes of CONTRIBUTING.md, followed by the letter: each adds something that works."""

import os
import subprocess
import sys
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


def help_of(project: Path, command: str) -> str:
    return python(project, "-m", f"tune_mnist.{command}", "--help")


def test_there_is_a_recipe_for_each_kind_of_addition() -> None:
    assert set(RECIPES) == {
        *("A network", "A hyperparameter", "A data set"),
        *("A searcher", "A scheduler", "A plot"),
    }
    assert all(RECIPES.values())


def test_the_code_of_the_recipes_is_clean(project: Path) -> None:
    files = sorted({block.path for blocks in RECIPES.values() for block in blocks})
    sources = [path for path in files if path.endswith(".py")]
    python(project, "-m", "ruff", "check", "--no-cache", *sources)
    python(project, "-m", "ruff", "format", "--no-cache", "--check", *sources)


def test_a_new_network_is_listed_trained_and_has_a_space(project: Path) -> None:
    assert "mlp" in help_of(project, "train")
    accuracy = python(
        project,
        "-c",
        "from tune_mnist import run_training\n"
        "from tune_mnist.tuning.spaces.space import load_space\n"
        "assert load_space('mlp').models == ('mlp',)\n"
        "keyword = {'model.width': 64}\n"
        "run = run_training('mlp', 'digits', lr=0.01, epochs=2, **keyword)\n"
        "assert run.config.model_options == {'width': 64}\n"
        "print(run.test_accuracy)\n",
    )
    assert float(accuracy.splitlines()[-1]) > 0.5


def test_a_new_hyperparameter_is_an_option_can_be_searched_and_changes_the_training(
    project: Path,
) -> None:
    assert "--warm-up" in help_of(project, "train")
    python(
        project,
        "-c",
        "from pathlib import Path\n"
        "from tune_mnist import run_training\n"
        "from tune_mnist.tuning.spaces.space import parse_space\n"
        "text = '''\n"
        "description: warm-up\n"
        "model: lenet\n"
        "parameters:\n"
        "  lr: {type: float, low: 0.001, high: 0.1}\n"
        "  warm_up: {type: float, low: 0.0, high: 2.0}\n"
        "'''\n"
        "assert 'warm_up' in parse_space(text, Path('space.yaml')).parameters\n"
        "given = dict(lr=0.01, epochs=1, precision='fp32', device='cpu')\n"
        "without, warmed_up = (\n"
        "    run_training('lenet', 'digits', warm_up=epochs, name=str(epochs), **given).epochs\n"
        "    for epochs in (0.0, 1.0)\n"
        ")\n"
        "assert without.train_loss[0] != warmed_up.train_loss[0]\n",
    )


def test_a_new_data_set_is_listed_and_can_be_learned(project: Path) -> None:
    assert "stripes" in help_of(project, "search")
    python(
        project,
        "-c",
        "from tune_mnist import run_training\n"
        "network = {'model.activation': 'relu', 'model.pooling': 'max'}\n"
        "run = run_training('lenet', 'stripes', lr=0.003, epochs=4, **network)\n"
        "assert run.class_names == ('horizontal', 'vertical')\n"
        "assert run.test_accuracy > 0.9, run.test_accuracy\n",
    )


@pytest.mark.parametrize(
    ("name", "others"),
    [("independent-tpe", "asha-promotion or none"), ("gap", "random")],
)
def test_a_new_searcher_or_scheduler_is_listed_and_keeps_the_contract(
    project: Path, name: str, others: str
) -> None:
    assert name in help_of(project, "search")
    options = ["-q", "-p", "no:cacheprovider", "-k", f"{name} and ({others})"]
    passed = python(project, "-m", "pytest", "tests/tuning/contract", *options)
    assert " passed" in passed


def test_a_new_plot_is_drawn_with_a_sentence(project: Path) -> None:
    python(
        project,
        "-c",
        "from pathlib import Path\n"
        "from tests.reporting.studies import two_models\n"
        "from tune_mnist.reporting.plots import draw, is_key\n"
        "from tune_mnist.reporting.stored_search import read_search\n"
        "folder = Path('two')\n"
        "two_models(folder)\n"
        "plots = {plot.key: plot for plot in draw(read_search(folder)).plots}\n"
        "assert is_key('epochs', ()) and plots['epochs'].figure is not None\n"
        "assert plots['epochs'].sentence.endswith('epochs.'), plots['epochs'].sentence\n",
    )
