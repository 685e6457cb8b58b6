"""Code that an untrusted space file or results folder names is never executed."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.e2e.commands import in_this_process
from tests.messages import assert_named, refusal
from tests.reporting.searches import Search, best_config
from tune_mnist.export import export
from tune_mnist.models import create_model
from tune_mnist.predict import predict
from tune_mnist.report import report
from tune_mnist.search import search
from tune_mnist.train import train
from tune_mnist.tuning.storage.kept_models import write_config

TRAP = """
from pathlib import Path

from torch import nn

from tune_mnist import register_model

Path(__file__).with_name("SPRUNG").touch()


@register_model("trap", head="head")
class Trap(nn.Module):
    def __init__(self, num_classes, in_channels):
        super().__init__()
        self.head = nn.Linear(in_channels, num_classes)
"""
SPACE = (
    "description: d\nmodel: {model}\n{more}"
    "parameters:\n  lr: {{type: float, low: 0.1, high: 1.0}}\n"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Current folder with a module that can be imported, but must not be."""
    (tmp_path / "trap.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    assert "trap" not in sys.modules
    assert not list(tmp_path.rglob("SPRUNG"))


def refused(command, *arguments):
    return refusal(in_this_process, command, *map(str, arguments))


@pytest.mark.parametrize("model", ["trap", "trap.Trap", "trap:Trap", "trap.py", "./trap.py"])
@pytest.mark.parametrize("more", ["", "models: trap.py\n", "models: [trap]\n"])
def test_a_space_file_imports_no_code(place, model, more):
    (place / "space.yaml").write_text(SPACE.format(model=json.dumps(model), more=more))
    message = refused(search, "--space", place / "space.yaml", "--dataset", "digits")
    assert_named("'models'" if more else "--models", message)


@pytest.mark.parametrize(
    "model", ["!!python/module:trap", "!!python/name:trap.Trap", "!!python/object/new:trap.Trap"]
)
def test_a_yaml_tag_imports_no_code(place, model):
    (place / "space.yaml").write_text(SPACE.format(model=f"{model} ''", more=""))
    refused(search, "--space", place / "space.yaml", "--dataset", "digits")


@pytest.fixture
def folder(place):
    """Results folder that names the module in every possible place."""
    made = Search(place / "strange", SPACE.format(model="lenet", more=""))
    directory = made.directory
    best = directory / "best" / "trap"
    best.mkdir(parents=True)
    shutil.copy(place / "trap.py", directory)
    shutil.copy(place / "trap.py", best)
    write_config(best, best_config("lenet", 0) | {"model": "trap", "models": "trap.py"})
    torch.save(create_model("lenet").state_dict(), best / "model.pt")
    path = directory / "experiment.json"
    experiment = json.loads(path.read_text())
    experiment["space"]["text"] = experiment["space"]["text"].replace("lenet", "trap")
    experiment["commands"] = ["python -m tune_mnist.search --models trap.py"]
    experiment |= {"networks": {"trap": "0" * 64}, "models": ["trap.py"]}
    path.write_text(json.dumps(experiment))
    return directory


def test_a_results_folder_imports_no_code(folder):
    for command, *arguments in (
        (report, folder),
        (search, "--resume", folder),
        (search, "--resume", folder, "--trust-stored"),
        (predict, "--model", folder / "best" / "trap", folder / "trap.py"),
        (export, "--model", folder / "best" / "trap", "--dataset", "digits"),
    ):
        assert_named("'trap'", refused(command, *arguments))
    assert_named("--models", refused(report, folder))
    refused(search, "--space", "lenet", "--dataset", "digits", "--warm-start", folder)


def test_only_the_models_option_imports_code(place):
    message = refused(train, "--model", "trap", "--lr", "0.1", "--dataset", "digits")
    assert_named("'trap' --models", message)
    assert Path("trap.py").exists()
