"""Detection of a lost head."""

import socket
import subprocess
import sys
import threading
import time

import psutil

from tests.waiting import PATIENCE
from tune_mnist.tuning.cluster import head_watch
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.cluster.head_watch import head_watched
from tune_mnist.tuning.cluster.local_ray import LocalRay


def resources(head: str | None = None, local: LocalRay | None = None) -> Resources:
    return Resources(cpus=1, gpus=0, nodes=1, dashboard=None, head=head, local=local)


class Told(threading.Event):
    """Receives the report of a lost head."""

    line = ""

    def __call__(self, line: str) -> None:
        self.line = line
        self.set()


def test_a_silent_head_is_reported_once_after_the_timeout(monkeypatch):
    monkeypatch.setattr(head_watch, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(head_watch, "SILENCE_SECONDS", 0.1)
    told = Told()
    server = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{server.getsockname()[1]}"
    with head_watched(resources(head=address), told):
        for _ in range(5):
            server.accept()[0].close()
        assert not told.is_set()
        server.close()
        assert told.wait(timeout=PATIENCE)
    assert told.line.startswith(f"Ray cluster at '{address}': the head node has not answered")


def test_the_death_of_a_local_ray_process_is_reported():
    told = Told()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        local = LocalRay({"raylet": psutil.Process(child.pid)}, (), None)
        with head_watched(resources(local=local), told):
            assert not told.wait(timeout=1.5)
            child.kill()
            assert told.wait(timeout=PATIENCE)
    assert told.line == "Ray on this machine: the process raylet has died"


def test_the_end_of_ray_after_the_watch_is_not_reported():
    told = Told()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        local = LocalRay({"raylet": psutil.Process(child.pid)}, (), None)
        with head_watched(resources(local=local), told):
            pass
        child.kill()
    time.sleep(1)
    assert not told.is_set()


def test_no_thread_is_started_without_a_head():
    before = set(threading.enumerate())

    def watching():
        return [thread for thread in set(threading.enumerate()) - before if "watch" in thread.name]

    with head_watched(resources(), print):
        assert watching() == []
    with head_watched(resources(head="127.0.0.1:1"), print):
        assert len(watching()) == 1
