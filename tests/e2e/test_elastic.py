"""A search on a cluster that loses a node and gets another one."""

import json
import secrets
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.e2e.commands import start
from tests.e2e.nodes import cluster
from tests.waiting import PATIENCE, Output, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="others have no address but 127.0.0.1"),
]

FIRST, LOST, LATE = "127.0.0.11", "127.0.0.12", "127.0.0.13"


def epochs_by_node(directory: Path) -> list[str]:
    """Return the node that trained each reported epoch."""
    lines = [
        line
        for path in directory.glob("ray/*/result.json")
        for line in path.read_text().split("\n")
    ]
    return [json.loads(line)["node_ip"] for line in lines if line.endswith("}")]


def test_trials_survive_a_lost_node_and_use_a_new_one(tmp_path):
    token = tmp_path / "auth_token"
    token.write_text(secrets.token_hex(32))
    member = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "HOME": str(tmp_path)}
    directory = tmp_path / "elastic"
    with cluster(member) as nodes:
        nodes.add(FIRST)
        nodes.add(LOST)
        process = start(
            "search",
            *("--dataset", "digits", "--num-samples", "5", "--max-epochs", "25"),
            *("--scheduler", "none", "--searcher", "random", "--final-seeds", "0"),
            *("--max-failures", "0", "--address", nodes.address),
            *("--output-dir", str(tmp_path), "--name", "elastic"),
            **member,
        )
        output = Output(process)
        wait_until(lambda: epochs_by_node(directory).count(LOST) >= 5, process)
        nodes.kill(LOST)
        wait_until(lambda: "has left the cluster" in output.text, process)
        nodes.add(LATE)
        out = output.all()
        assert process.wait(PATIENCE) == 0, process.stderr.read()
    assert f"node {LOST} " in out
    assert "has left the cluster; concurrent trials: 1" in out
    assert "has joined the cluster; concurrent trials: 2" in out
    trials = pd.read_csv(directory / "trials.csv")
    assert list(trials["state"]) == ["COMPLETE"] * 5
    assert list(trials["epochs"]) == [25] * 5
    assert set(trials["node"]) <= {FIRST, LOST, LATE}
    assert LATE in set(trials["node"])
    # The trial of the lost node repeats one report; no other epoch was trained again.
    assert len(epochs_by_node(directory)) <= 5 * 25 + 1
