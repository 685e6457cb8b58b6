"""A search over the user's own network on a cluster whose nodes do not have its file."""

import secrets
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pandas as pd
import pytest

from tests.e2e.commands import kill_at, run, start
from tests.e2e.nodes import cluster
from tests.waiting import PATIENCE

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SPACE = EXAMPLES / "own_network.yaml"
FIRST, SECOND = "127.0.0.21", "127.0.0.22"
LINES = 60  # of the journal, in the middle of the search


class Vanishing:
    """Copy of the example that removes itself on import, so no other process can import it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "my_nets.py"

    def flag(self) -> tuple[str, str]:
        source = (EXAMPLES / "own_network.py").read_text()
        self.path.write_text(f"{source}\n\nPath(__file__).unlink()\n")
        return "--models", str(self.path)


@pytest.mark.skipif(sys.platform != "linux", reason="others have no address but 127.0.0.1")
def test_nodes_without_the_file_train_the_network_before_and_after_a_kill(tmp_path):
    token = tmp_path / "auth_token"
    token.write_text(secrets.token_hex(32))
    member = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "HOME": str(tmp_path)}
    directory, network = tmp_path / "own", Vanishing(tmp_path)
    with cluster(member) as nodes:
        nodes.add(FIRST)
        nodes.add(SECOND)
        process = start(
            "search",
            *("--space", str(SPACE), *network.flag(), "--dataset", "digits"),
            *("--num-samples", "6", "--max-epochs", "6", "--final-seeds", "1"),
            *("--output-dir", str(tmp_path), "--name", "own", "--address", nodes.address),
            **member,
        )
        kill_at(process, directory, LINES, 0.2)

        without = run("search", "--resume", str(directory), **member)
        assert without.returncode == 2
        assert "unknown model 'my-cnn'" in without.stderr
        assert "--models" in without.stderr
        assert without.stderr.count("\n") == 1

        again = run("search", "--resume", str(directory), *network.flag(), **member)
        assert again.returncode == 0, again.stderr
        assert again.stderr == ""
    assert not network.path.exists()
    trials = pd.read_csv(directory / "trials.csv")
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert len(trials) == 6
    assert set(trials["node"]) == {FIRST, SECOND}
    assert set(trials["model.depth"]) <= {1, 2, 3}
    assert "edited" not in again.stdout
    check_model_can_be_used(directory, network)


def check_model_can_be_used(directory: Path, network: Vanishing) -> None:
    report = run("report", str(directory), *network.flag())
    assert report.returncode == 0, report.stderr
    assert "model.width" in report.stdout
    for plot in ("slice-model.width", "slice-model.depth"):
        assert (directory / "plots" / f"{plot}.html").is_file()
    model = str(directory / "best" / "my-cnn")
    picture = directory / "final" / "my-cnn" / "blank.png"
    write_blank(picture)
    predicted = run("predict", "--model", model, *network.flag(), "--format", "csv", str(picture))
    assert predicted.returncode == 0, predicted.stderr
    assert predicted.stdout.startswith("image,index,ink,class,")
    file = directory / "my-cnn.onnx"
    exported = run(
        "export",
        *("--model", model, *network.flag(), "--dataset", "digits", "--output", str(file)),
    )
    assert exported.returncode == 0, exported.stderr
    session = onnxruntime.InferenceSession(file)
    assert session.get_outputs()[0].shape[1] == 10


def write_blank(path: Path) -> None:
    from PIL import Image

    image = Image.new("L", (28, 28))
    image.putpixel((14, 14), 255)
    image.save(path)


@pytest.mark.slow
def test_the_example_runs_as_a_script(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "own_network.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    trials = pd.read_csv(tmp_path / "results" / "own-network" / "trials.csv")
    assert set(trials["model"]) == {"my-cnn"}
    assert trials["val_accuracy"].max() > 0.5
