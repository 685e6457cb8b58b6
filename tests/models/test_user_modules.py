import importlib.util
import subprocess
import sys

import pytest
from ray import cloudpickle

from tests.messages import assert_named, assert_refused
from tune_mnist.models import create_model, model_names
from tune_mnist.models.user_modules import load_models, repeated_flags, source_digests
from tune_mnist.tuning.trials.networks import pack_networks, unpack_networks

NETWORK = """
from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn

from tune_mnist.models import register_model


def layer(before, after):
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())


@register_model("mine", head="head")
class Mine(nn.Module):
    def __init__(
        self, num_classes: int, in_channels: int, width: Annotated[int, Field(ge=2)] = 4
    ):
        super().__init__()
        self.body = layer(in_channels, width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, images):
        return self.head(self.body(images).mean(dim=(2, 3)))
"""


@pytest.fixture
def network_file(tmp_path):
    path = tmp_path / "torch.py"  # the name of another module
    path.write_text(NETWORK)
    return path


def test_a_file_registers_its_networks_once(network_file):
    load_models([str(network_file)])
    load_models([str(network_file), str(network_file)])
    assert "mine" in model_names()
    assert create_model("mine", options={"width": 2}).head.in_features == 2
    assert sys.modules["torch"].__name__ == "torch"


def test_a_module_of_a_package_is_found_in_the_current_folder(tmp_path, monkeypatch):
    package = tmp_path / "nets_of_a_user"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "small.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    load_models(["nets_of_a_user.small"])
    assert "mine" in model_names()


def test_a_module_beside_a_users_own_hides_no_installed_one(tmp_path, monkeypatch):
    for name in ("another_network_of_a_user", "this"):  # "this" is a module of Python
        (tmp_path / f"{name}.py").write_text(NETWORK)
    sys.modules.pop("this", None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    load_models(["another_network_of_a_user"])
    assert importlib.util.find_spec("this").origin != str(tmp_path / "this.py")


def test_a_file_that_was_edited_replaces_what_it_registered(network_file):
    load_models([str(network_file)])
    network_file.write_text(
        NETWORK.replace("width: Annotated[int, Field(ge=2)] = 4", "width: int = 7")
    )
    load_models([str(network_file)])
    assert create_model("mine").head.in_features == 7


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("import torch\nraise RuntimeError('not\\ntoday')", "RuntimeError today 2"),
        ("import sys\nsys.exit(3)", "SystemExit 3 2"),
        ("def f(:", "SyntaxError 1"),
        ("import no_such_module_here", "'no_such_module_here' 1"),
        ("x = 1", "@register_model"),
        (NETWORK.replace("num_classes", "classes"), "Mine num_classes"),
        (NETWORK.replace("(nn.Module)", ""), "Mine torch.nn.Module"),
        (NETWORK.replace('"mine"', '"resnet"'), "register_model('resnet')"),
        (NETWORK + NETWORK, "register_model('mine')"),
    ],
)
def test_an_unusable_module_is_refused_by_name(tmp_path, source, facts):
    path = tmp_path / "broken.py"
    path.write_text(source.replace("from __future__ import annotations\n", ""))
    assert_refused([f"--models {path}", *facts.split()], load_models, [str(path)])
    assert "mine" not in model_names()


@pytest.mark.parametrize("name", ["no_such_file.py", "no_such_package.module", "not a module!"])
def test_a_missing_module_is_refused_by_name(name):
    assert_refused([f"--models {name}"], load_models, [name])


WORKER = """
import sys
from tune_mnist.models import create_model
from tune_mnist.tuning.trials.networks import unpack_networks

unpack_networks(bytes.fromhex(sys.argv[1]))
print(create_model("mine", options={"width": 3}).head.in_features)
create_model("mine", options={"width": 1})
"""


def test_a_process_without_the_file_receives_the_network(network_file):
    load_models([str(network_file)])
    by_value = cloudpickle.list_registry_pickle_by_value()
    packed = pack_networks(["mine", "lenet"])
    assert cloudpickle.list_registry_pickle_by_value() == by_value
    network_file.unlink()
    worker = subprocess.run(
        [sys.executable, "-c", WORKER, packed.hex()], capture_output=True, text=True, check=False
    )
    assert worker.stdout == "3\n"
    assert_named("model.width 2 1", worker.stderr.splitlines()[-1])


def test_a_network_that_cannot_be_pickled_is_refused_by_name(network_file):
    network_file.write_text(
        NETWORK.replace("    return nn.Seq", "    LOCK\n    return nn.Seq")
        + ("\nimport threading\nLOCK = threading.Lock()\n")
    )
    load_models([str(network_file)])
    assert_refused("mine", pack_networks, ["mine"])


def test_a_reused_worker_has_the_network_of_the_current_search(network_file):
    def packed(width):
        network_file.write_text(NETWORK.replace("= 4\n", f"= {width}\n"))
        load_models([str(network_file)])
        return pack_networks(["mine"])

    first, second = packed(5), packed(6)
    for sent, width in ((first, 5), (second, 6), (first, 5), (first, 5)):
        unpack_networks(sent)
        assert create_model("mine").head.in_features == width


def test_shipped_networks_are_not_sent():
    assert pack_networks(["lenet", "resnet"]) == b""


def test_flags_and_digests_cover_the_given_modules(network_file):
    load_models([str(network_file)])
    assert f" --models {network_file}" in repeated_flags()
    first = source_digests(["mine", "lenet"])
    assert set(first) == {"mine"}
    network_file.write_text(NETWORK + "\n# edited\n")
    load_models([str(network_file)])
    assert source_digests(["mine"]) != first
