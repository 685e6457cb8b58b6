"""Check and end of the processes of a local Ray, tested with other processes."""

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from tests.waiting import PATIENCE
from tune_mnist.tuning.cluster import local_ray
from tune_mnist.tuning.cluster.local_ray import LocalRay, LocalSettings

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def children():
    made = [subprocess.Popen(SLEEP) for _ in range(3)]
    yield made
    for child in made:
        child.kill()
        child.wait()


@pytest.fixture
def ray_of(children):
    gcs, raylet, agent = (psutil.Process(child.pid) for child in children)
    return LocalRay({"gcs_server": gcs, "raylet": raylet}, (agent,), None)


@pytest.mark.parametrize(("which", "name"), [(0, "gcs_server"), (1, "raylet")])
@pytest.mark.parametrize("reaped", [True, False])
def test_a_dead_head_process_is_named(children, ray_of, which, name, reaped):
    assert ray_of.complaint() == ""
    children[which].kill()
    os.waitid(os.P_PID, children[which].pid, os.WEXITED | os.WNOWAIT)
    if reaped:
        children[which].wait()
    assert name in ray_of.complaint()


def test_the_death_of_another_process_is_ignored(children, ray_of):
    children[2].kill()
    children[2].wait()
    assert ray_of.complaint() == ""


def test_kill_ends_all_remaining_processes(children, ray_of):
    children[0].kill()
    ray_of.kill()
    assert [child.wait(PATIENCE) for child in children] == [-9, -9, -9]


def test_the_environment_is_restored(monkeypatch):
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    before = dict(os.environ)
    settings = LocalSettings()
    settings.apply()
    settings.apply()
    assert "RAY_AUTH_MODE" not in os.environ
    assert "RAY_AUTH_TOKEN_PATH" in os.environ
    settings.undo()
    assert dict(os.environ) == before


def test_ray_gets_the_cores_and_memory_of_this_process(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    settings = LocalSettings()
    try:
        assert settings.apply()["num_cpus"] == 1
    finally:
        settings.undo()


def test_a_second_call_returns_the_same_with_an_unusable_tmpdir(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    for name in ("RAY_TMPDIR", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    settings = LocalSettings()
    try:
        first, environment = settings.apply(), dict(os.environ)
        assert settings.apply() == first
        assert dict(os.environ) == environment
    finally:
        settings.undo()


def test_ray_accepts_the_size_of_the_object_store(monkeypatch):
    """Tests a memory limit of 100 GB on a machine with 1 TB."""
    machine = SimpleNamespace(total=10**12, available=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(local_ray, "allowed_memory", lambda: 10**11)
    settings = LocalSettings()
    try:
        store = settings.apply()["object_store_memory"]
    finally:
        settings.undo()
    shared = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
    assert 0 < store <= max(10**10, shared.f_bavail * shared.f_frsize if shared else 0)
