"""Clusters of two nodes, with and without a token, and with a folder that one node lacks."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.buckets import KEYS, s3_server
from tests.e2e.commands import python, run
from tests.messages import assert_named
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.e2e

RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
SMALL = ["--num-cpus", "1", "--object-store-memory", "80000000"]


@dataclass(frozen=True)
class Cluster:
    address: str
    token: Path
    home: Path  # home directory of a user without a token
    hidden: Path  # folder that is a different one on the second node

    @property
    def stranger(self) -> dict[str, str]:
        """Environment of a user without a token; leaving RAY_AUTH_MODE unset is not enough."""
        return {"HOME": str(self.home), "RAY_AUTH_MODE": "disabled"}

    @property
    def member(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
        }


def free_port() -> str:
    """Return a free port below the range from which the system assigns ports."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)


@contextmanager
def node(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a Ray node in a process group of its own, and end the group with the context."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or "Ray runtime started" in log.read_text())
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def may(command: list[str]) -> bool:
    """Return whether a command succeeds."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    hide = f"mount -t tmpfs tmpfs '{folder}'"
    if not (shutil.which("unshare") and may(["unshare", "--mount", "sh", "-c", hide])):
        pytest.skip("a folder can be hidden from a node on Linux, and by root only")
    # The path of a socket is limited to 107 characters, and pytest's folders are deep.
    sockets = tempfile.mkdtemp(prefix="ray-")
    port, dashboard, agent = free_port(), free_port(), free_port()
    cluster = Cluster(
        f"127.0.0.1:{port}", folder / "auth_token", folder / "home", folder / "hidden"
    )
    cluster.token.write_text(secrets.token_hex(32))
    cluster.home.mkdir()
    cluster.hidden.mkdir()
    head = [
        *(*RAY, *SMALL, "--head", "--port", port, "--dashboard-host", "127.0.0.1"),
        *("--dashboard-port", dashboard, "--dashboard-agent-listen-port", agent),
        *("--ray-client-server-port", free_port()),
        *("--temp-dir", sockets),
    ]
    worker = [
        *("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"'),
        *(str(cluster.hidden), *RAY, *SMALL, "--address", cluster.address),
    ]
    with (
        # All nodes need the credentials of the bucket.
        node(head, folder / "head.log", cluster.member | KEYS),
        node(worker, folder / "worker.log", cluster.member | KEYS),
    ):
        yield cluster
    shutil.rmtree(sockets)


def ask(code: str, *arguments: str, **environment: str) -> Any:
    """Run Python code as a user of a cluster, and return what it prints last as JSON."""
    result = python(
        "-c",
        "import json, sys\n"
        "from tune_mnist.errors import UserError\n"
        f"from tune_mnist.tuning.cluster.connection import *\n{code}",
        *arguments,
        **environment,
    )
    return json.loads(result.stdout.splitlines()[-1])


MEMBER = """
import ray, time
from pathlib import Path
from types import SimpleNamespace
from tune_mnist.tuning.cluster.shared_storage import check_shared
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.running import elastic
address, shared, hidden = sys.argv[1:]
nodes = connect(address).nodes
check_shared(Path(shared) / "results" / "one", None)
elastic.LOOK_SECONDS = 0.1
told = []
use = lambda trials: told.append(f"use {trials}")
options = SimpleNamespace(max_concurrent=None, storage_path=hidden)
context = SimpleNamespace(workers=Workers(1, 0, 1), nodes=[], options=options)
follower = elastic.ClusterFollower(context, use, told.append)
while len(told) < 3 or ray.available_resources()["CPU"] > 1:
    follower.on_step_end(0, [])
    time.sleep(0.1)
disconnect()
from tune_mnist.search import search
arguments = ["--dataset", "digits", "--address", address, "--output-dir", f"{hidden}/results"]
try:
    search.main(arguments, standalone_mode=False)
except UserError as error:
    print(json.dumps({"nodes": nodes, "told": told, "refusal": str(error)}))
"""


@dataclass(frozen=True)
class Member:
    """What a process with the token has found.

    Attributes:
        nodes: Number of nodes of the cluster.
        told: Messages on a node that joins without seeing the results folder.
        refusal: Error of a search whose results folder one node does not see.
        shared: Folder that all nodes see, in which a folder for results was checked.
    """

    nodes: int
    told: list[str]
    refusal: str
    shared: Path


@pytest.fixture(scope="module")
def member(cluster, tmp_path_factory) -> Member:
    shared = tmp_path_factory.mktemp("shared")
    arguments = (cluster.address, str(shared), str(cluster.hidden))
    return Member(**ask(MEMBER, *arguments, **cluster.member), shared=shared)


def test_a_process_with_the_token_connects(member):
    assert member.nodes == 2


def test_a_shared_folder_is_accepted_and_left_empty(member):
    assert list(member.shared.iterdir()) == []


def test_a_joining_node_without_the_folder_gets_no_trials(cluster, member):
    answer = "\n".join(member.told)
    assert "use 1\n" in answer
    assert answer.count("node ") >= 2  # one that joins, and one without the folder
    assert "no trials" in answer
    assert str(cluster.hidden) in answer
    assert list(cluster.hidden.iterdir()) == []


REFUSED = """
import os
address, users = sys.argv[1:]
answers = {}
for name, environment in json.loads(users).items():
    os.environ.pop("RAY_AUTH_TOKEN_PATH", None)
    os.environ.update(environment)
    try:
        connect(address)
    except UserError as error:
        answers[name] = str(error)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def refusals(cluster, tmp_path_factory) -> dict[str, str]:
    """Answers to a user without a token, one with a wrong token, and one who has none to send."""
    other = tmp_path_factory.mktemp("other") / "auth_token"
    other.write_text(secrets.token_hex(32))
    users = {
        "stranger": cluster.stranger,
        "wrong token": cluster.member | {"RAY_AUTH_TOKEN_PATH": str(other)},
        "no token": cluster.stranger | {"RAY_AUTH_MODE": "token"},
    }
    return ask(REFUSED, cluster.address, json.dumps(users))


def test_a_process_without_a_token_is_refused_with_a_remedy(cluster, refusals):
    facts = [f"'{cluster.address}'", "requires a token", "RAY_AUTH_MODE=token"]
    assert_named(facts, refusals["stranger"])


def test_a_wrong_token_is_refused(cluster, refusals):
    assert_named([f"'{cluster.address}'", "rejects the token"], refusals["wrong token"])


def test_token_mode_without_a_token_is_refused(refusals):
    assert_named(["RAY_AUTH_MODE", "no usable token"], refusals["no token"])


def test_a_results_folder_that_a_node_does_not_see_is_refused(cluster, member):
    assert_named(["--output-dir", f"{cluster.hidden}/results", "node"], member.refusal)
    assert list(cluster.hidden.iterdir()) == []


def test_a_cluster_of_two_nodes_without_a_token_is_refused(tmp_path):
    code = """
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
nodes = connect(cluster.address).nodes
disconnect()
cluster.add_node(num_cpus=1)
try:
    connect(cluster.address)
except UserError as error:
    print(json.dumps([nodes, str(error)]))
cluster.shutdown()
"""
    one, two = ask(code, RAY_AUTH_MODE="disabled", HOME=str(tmp_path))
    assert one == 1
    assert_named("2 RAY_AUTH_MODE=token", two)


def test_a_bucket_replaces_a_shared_folder(cluster):
    with s3_server() as access:
        result = run(
            *("search", "--dataset", "digits", "--num-samples", "2", "--max-epochs", "2"),
            *("--output-dir", str(cluster.hidden / "results"), "--name", "one"),
            *("--final-seeds", "1", "--address", cluster.address),
            *("--storage-path", f"s3://bucket/cluster?{access}"),
            **cluster.member,
            **KEYS,
        )
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(cluster.hidden / "results" / "one" / "trials.csv")
    assert set(table["state"]) <= {"COMPLETE", "PRUNED"}
    assert (cluster.hidden / "results" / "one" / "best" / "lenet" / "model.pt").exists()
