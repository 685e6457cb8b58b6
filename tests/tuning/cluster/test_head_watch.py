"""Detection of a lost head."""

import socket
import subprocess
import sys
import threading

import psutil

from tests.waiting import PATIENCE, wait_until
from tune_mnist.tuning.cluster import head_watch
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.cluster.head_watch import head_watched
from tune_mnist.tuning.cluster.local_ray import LocalRay


class CountedRay:
    """A local Ray that counts the checks of its processes."""

    def __init__(self, local: LocalRay) -> None:
        self._local, self.checks = local, 0

    def complaint(self) -> str:
        found = self._local.complaint()
        self.checks += 1
        return found


def resources(head: str | None = None, local: LocalRay | CountedRay | None = None) -> Resources:
    return Resources(cpus=1, gpus=0, nodes=1, dashboard=None, head=head, local=local)


def threads_since(before: set[threading.Thread]) -> set[threading.Thread]:
    """Return the living threads that were started in the meantime."""
    return set(threading.enumerate()) - before


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
    assert address in told.line
    assert "\n" not in told.line


def test_the_death_of_a_local_ray_process_is_reported():
    told = Told()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        local = CountedRay(LocalRay({"raylet": psutil.Process(child.pid)}, (), None))
        with head_watched(resources(local=local), told):
            wait_until(lambda: local.checks >= 2)
            assert not told.is_set()
            child.kill()
            assert told.wait(timeout=PATIENCE)
    assert "raylet" in told.line
    assert "\n" not in told.line


def test_the_end_of_ray_after_the_watch_is_not_reported():
    told, before = Told(), set(threading.enumerate())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        local = LocalRay({"raylet": psutil.Process(child.pid)}, (), None)
        with head_watched(resources(local=local), told):
            pass
        child.kill()
    wait_until(lambda: not threads_since(before))  # the watch has ended
    assert not told.is_set()


def test_no_thread_is_started_without_a_head():
    before = set(threading.enumerate())
    with head_watched(resources(), print):
        assert not threads_since(before)
    with head_watched(resources(head="127.0.0.1:1"), print):
        assert len(threads_since(before)) == 1
