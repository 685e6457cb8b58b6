"""A search in a difficult environment: one core, unusual folders, signals, and a dying Ray.

TMPDIR is too long for a socket, HOME is not writable, the file system of the results has no links,
and the process may use only one core.
"""

import os
import re
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.waiting import PATIENCE, Output, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
MARK = "TUNE_MNIST_TEST_MARK"
NO_LINKS = """
import os
def refusing(real):
    def call(source, target, *arguments, **options):
        if "/no-links/" in os.path.abspath(os.fspath(target)):
            raise OSError(95, os.strerror(95), source, None, target)
        return real(source, target, *arguments, **options)
    return call
os.symlink, os.link = refusing(os.symlink), refusing(os.link)
"""
# Maximum number of sockets on which each process of a search listens, as documented in
# docs/explanation/security.md. With several Rays on a machine, only the first one gets the fixed
# ports 44217, 44227 and 52365.
LISTENING = {
    "driver": 1,
    "gcs_server": 1,
    "raylet": 2,
    "dashboard": 2,
    "monitor": 1,
    "ray::DashboardAgent": 3,
    "ray::RuntimeEnvAgent": 1,
    "worker": 1,
}
ON_FREE_PORTS = LISTENING | {"dashboard": 1, "monitor": 0, "ray::DashboardAgent": 2}


@dataclass
class Search:
    """A running search and its output so far."""

    process: subprocess.Popen[str]
    mark: str
    directory: Path
    output: Output
    seen: set[psutil.Process] = field(default_factory=set)

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output.text, self.process)

    def processes(self) -> list[psutil.Process]:
        """Return the living processes of the search, including Ray's."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark:
                    # Ray's agents overwrite their environment with a process title.
                    self.seen |= {process, *process.children(recursive=True)}
        return [process for process in self.seen if is_alive(process)]

    def ended(self) -> tuple[int, str, list[str]]:
        """Wait for the end of all processes; return exit status, stderr and lines of stdout."""
        status = self.process.wait(timeout=PATIENCE)
        wait_until(lambda: not self.processes(), every=0.2)
        return status, self.process.stderr.read(), self.output.all().splitlines()


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def start(directory: Path, *options: str) -> Search:
    """Start or resume a search in the difficult environment."""
    base = directory.parent.parent
    (base / "site").mkdir(exist_ok=True)
    (base / "site" / "sitecustomize.py").write_text(NO_LINKS)
    deep = base / "slurm_job_1355700" / "local_tmp_directory_of_the_user_0016_ä"
    deep.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    environment = {
        **os.environ,
        MARK: mark,
        "TMPDIR": str(deep),
        "HOME": "/sys",
        "PYTHONPATH": f"{base / 'site'}:{os.environ.get('PYTHONPATH', '')}",
        # Ray itself then notices a dead control service only after an hour.
        "RAY_gcs_rpc_server_reconnect_timeout_s": "3600",
    }
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_TMPDIR"):
        environment.pop(name, None)

    def set_up() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    process = subprocess.Popen(
        [sys.executable, "-m", "tune_mnist.search", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=set_up,
    )
    return Search(process, mark, directory, Output(process))


def end(search: Search) -> None:
    for process in search.processes():
        with suppress(psutil.Error):
            process.kill()


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> Iterator[Search]:
    directory = tmp_path_factory.mktemp("hard") / "no-links" / "s"
    started = start(
        directory,
        *("--dataset", "digits", "--num-samples", "1", "--max-epochs", "20000"),
        *("--scheduler", "none", "--final-seeds", "0"),
        *("--output-dir", str(directory.parent), "--name", "s"),
    )
    try:
        started.wait_for("epoch 2/")
        yield started
    finally:
        end(started)


def kind(process: psutil.Process, driver: int) -> str:
    if process.pid == driver:
        return "driver"
    line, name = " ".join(process.cmdline()), process.name()
    if "/dashboard/dashboard.py" in line:
        return "dashboard"
    if "/monitor.py" in line:
        return "monitor"
    title = line.split(" ")[0]
    return next((known for known in LISTENING if known in (name, title)), "worker")


def test_a_search_uses_only_the_cores_of_its_process(search):
    assert re.search(r"^workers +1 ", search.output.text, re.MULTILINE)


def listening(search: Search) -> dict[str, int]:
    """Return the number of listening sockets by kind of process; all must be on loopback."""
    found: dict[str, int] = {}
    for process in search.processes():
        with suppress(psutil.Error):
            which = kind(process, search.process.pid)
            addresses = [
                connection.laddr.ip
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            ]
            assert set(addresses) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, (which, addresses)
            found[which] = max(found.get(which, 0), len(addresses))
    return found


def test_a_search_listens_only_on_the_documented_loopback_ports(search):
    def all_up() -> bool:
        found = listening(search)
        return all(found.get(which, 0) >= count for which, count in ON_FREE_PORTS.items())

    wait_until(all_up, search.process, every=0.5)  # Ray's agents may start after the first trials
    before = search.output.text.count(" epoch ")
    # What listens only later is noticed, too.
    wait_until(lambda: search.output.text.count(" epoch ") > before + 20, search.process)
    found = listening(search)
    assert found == {which: min(count, LISTENING[which]) for which, count in found.items()}


def test_no_other_user_can_read_the_token_or_reach_a_socket(search):
    (line,) = re.findall(r"^dashboard .*", search.output.text, re.MULTILINE)
    token = Path(line.rpartition(" ")[2])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    places = [
        connection.laddr
        for process in search.processes()
        for connection in process.net_connections("unix")
        if "/sockets/" in (connection.laddr or "")
    ]
    assert places
    assert all(token.parent in Path(place).parents for place in places)


def test_sigterm_ends_as_ctrl_c_does(search):
    search.process.send_signal(signal.SIGTERM)
    status, err, lines = search.ended()
    assert (status, err) == (143, "")
    assert f"--resume {search.directory}" in lines[-1]
    assert (search.directory / "summary.md").exists()


@pytest.fixture(scope="module")
def resumed(search) -> Iterator[Search]:
    if search.process.poll() is None:
        search.process.send_signal(signal.SIGTERM)
        search.process.wait(PATIENCE)
    started = start(search.directory, "--resume", str(search.directory))
    try:
        started.wait_for("epoch ")
        yield started
    finally:
        end(started)


def test_a_dead_control_service_is_reported_at_once_in_one_line(resumed):
    (gcs,) = [process for process in resumed.processes() if process.name() == "gcs_server"]
    gcs.kill()
    status, err, _ = resumed.ended()
    assert status == 2
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "gcs_server" in err
    assert f"--resume {resumed.directory}" in err


def test_a_control_service_that_dies_while_a_budget_is_planned_is_reported_too(tmp_path):
    program = """
import runpy, time
import psutil
from tune_mnist.tuning import time_budget

def measure(*_):
    for process in psutil.Process().children(recursive=True):
        if process.name() == "gcs_server":
            process.kill()
    time.sleep(3600)

time_budget.measure = measure
runpy.run_module("tune_mnist.search", run_name="__main__", alter_sys=True)
"""
    options = ["--dataset", "digits", "--budget", "1h", "--output-dir", tmp_path, "--name", "s"]
    ended = subprocess.run(
        [sys.executable, "-c", program, *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("error: ")
    assert "gcs_server" in ended.stderr
    assert "--resume" not in ended.stderr
    assert not (tmp_path / "s" / "experiment.json").exists()
