"""Searches on a cluster: a network whose file the nodes do not have, a lost node and a new one."""

import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import pandas as pd
import pytest
from PIL import Image

from tests.e2e.commands import in_this_process, kill_at, python, run, start
from tests.e2e.nodes import Nodes, cluster
from tests.messages import assert_named, assert_refused
from tests.networks import forget_networks
from tests.waiting import PATIENCE, Output, wait_until
from tune_mnist.export import export
from tune_mnist.predict import predict
from tune_mnist.report import report
from tune_mnist.search import search

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="others have no address but 127.0.0.1"),
]

FIRST, SECOND, LATE = "127.0.0.11", "127.0.0.12", "127.0.0.13"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SPACE = EXAMPLES / "own_network.yaml"
LINES = 60  # of the journal, in the middle of the search


@dataclass(frozen=True)
class Joined:
    """A cluster of the nodes FIRST and SECOND, and the environment of its users."""

    nodes: Nodes
    member: dict[str, str]


@pytest.fixture(scope="module")
def joined(tmp_path_factory) -> Iterator[Joined]:
    home = tmp_path_factory.mktemp("home")
    token = home / "auth_token"
    token.write_text(secrets.token_hex(32))
    member = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "HOME": str(home)}
    with cluster(member) as nodes:
        nodes.add(FIRST)
        nodes.add(SECOND)
        yield Joined(nodes, member)


class Vanishing:
    """Copy of the example that removes itself on import, so no other process can import it."""

    def __init__(self, folder: Path, name: str = "my_nets") -> None:
        self.path = folder / f"{name}.py"

    def flag(self) -> tuple[str, str]:
        source = (EXAMPLES / "own_network.py").read_text()
        self.path.write_text(f"{source}\n\nPath(__file__).unlink()\n")
        return "--models", str(self.path)


def test_nodes_without_the_file_train_the_network_before_and_after_a_kill(
    tmp_path, monkeypatch, joined, networks_forgotten
):
    directory, network = tmp_path / "own", Vanishing(tmp_path)
    process = start(
        "search",
        *("--space", str(SPACE), *network.flag(), "--dataset", "digits"),
        *("--num-samples", "6", "--max-epochs", "6", "--final-seeds", "1"),
        *("--output-dir", str(tmp_path), "--name", "own", "--address", joined.nodes.address),
        **joined.member,
    )
    kill_at(process, directory, LINES, 0.2)

    with monkeypatch.context() as patch:
        for name, value in joined.member.items():
            patch.setenv(name, value)
        assert_refused("my-cnn --models", in_this_process, search, "--resume", str(directory))

    again = run("search", "--resume", str(directory), *network.flag(), **joined.member)
    assert again.returncode == 0, again.stderr
    assert again.stderr == ""
    assert not network.path.exists()
    trials = pd.read_csv(directory / "trials.csv")
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert len(trials) == 6
    assert set(trials["node"]) == {FIRST, SECOND}
    assert set(trials["model.depth"]) <= {1, 2, 3}
    experiment = json.loads((directory / "experiment.json").read_text())
    assert experiment["edited_networks"] == []
    check_model_can_be_used(directory, network)


def check_model_can_be_used(directory: Path, network: Vanishing) -> None:
    picture = directory / "final" / "my-cnn" / "blank.png"
    write_blank(picture)
    assert "model.width" in in_this_process(report, str(directory), *network.flag())
    for plot in ("slice-model.width", "slice-model.depth"):
        assert (directory / "plots" / f"{plot}.html").is_file()
    model = ("--model", str(directory / "best" / "my-cnn"))
    forget_networks()
    models = Vanishing(directory, "for_predict").flag()
    predicted = in_this_process(predict, *model, *models, "--format", "csv", str(picture))
    assert predicted.startswith("image,index,ink,class,")
    onnx = directory / "my-cnn.onnx"
    forget_networks()
    models = Vanishing(directory, "for_export").flag()
    in_this_process(export, *model, *models, "--dataset", "digits", "--output", str(onnx))
    session = onnxruntime.InferenceSession(onnx)
    assert session.get_outputs()[0].shape[1] == 10


def write_blank(path: Path) -> None:
    image = Image.new("L", (28, 28))
    image.putpixel((14, 14), 255)
    image.save(path)


def epochs_by_node(directory: Path) -> list[str]:
    """Return the node that trained each reported epoch."""
    lines = [
        line
        for path in directory.glob("ray/*/result.json")
        for line in path.read_text().split("\n")
    ]
    return [json.loads(line)["node_ip"] for line in lines if line.endswith("}")]


def test_trials_survive_a_lost_node_and_use_a_new_one(tmp_path, joined):
    directory = tmp_path / "elastic"
    process = start(
        "search",
        *("--dataset", "digits", "--num-samples", "5", "--max-epochs", "25"),
        *("--scheduler", "none", "--searcher", "random", "--final-seeds", "0"),
        *("--max-failures", "0", "--address", joined.nodes.address),
        *("--output-dir", str(tmp_path), "--name", "elastic"),
        **joined.member,
    )
    output = Output(process)
    wait_until(lambda: epochs_by_node(directory).count(SECOND) >= 5, process)
    with joined.nodes.held(FIRST):  # which must not train all trials in the meantime
        joined.nodes.kill(SECOND)
        wait_until(lambda: f"node {SECOND} " in output.text, process)
        joined.nodes.add(LATE)
        wait_until(lambda: f"node {LATE} " in output.text, process)
    out = output.all()
    assert process.wait(PATIENCE) == 0, process.stderr.read()
    (left,) = [line for line in out.splitlines() if f"node {SECOND} " in line]
    (new,) = [line for line in out.splitlines() if f"node {LATE} " in line]
    assert_named("1", left)  # concurrent trials
    assert_named("2", new)
    trials = pd.read_csv(directory / "trials.csv")
    assert list(trials["state"]) == ["COMPLETE"] * 5
    assert list(trials["epochs"]) == [25] * 5
    assert set(trials["node"]) <= {FIRST, SECOND, LATE}
    assert LATE in set(trials["node"])
    # The trial of the lost node repeats one report; no other epoch was trained again.
    assert len(epochs_by_node(directory)) <= 5 * 25 + 1


@pytest.mark.slow
def test_the_example_of_an_own_network_runs_as_a_script(tmp_path):
    python(str(EXAMPLES / "own_network.py"), folder=tmp_path)
    (found,) = tmp_path.glob("results/*/trials.csv")
    trials = pd.read_csv(found)
    assert set(trials["model"]) == {"my-cnn"}
    assert trials["val_accuracy"].max() > 0.5
