"""Limits of CPU and memory in the kernel's files, as containers and schedulers set them."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tune_mnist.environment import describe_hardware
from tune_mnist.machine import Cgroups, allowed_cpus, allowed_memory, free_memory

GIB = 2**30


@pytest.fixture
def cgroups(tmp_path):
    """Return a function that writes control groups: the membership, and files by name."""

    def lay_out(membership: str, files: dict[str, str]) -> Cgroups:
        (tmp_path / "membership").write_text(membership)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content + "\n")
        return Cgroups(tmp_path / "cgroup", tmp_path / "membership")

    return lay_out


SLURM = "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0"
V1 = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/"


@pytest.mark.parametrize(
    ("membership", "files", "cpus", "memory"),
    [
        ("", {}, None, None),
        ("0::/", {}, None, None),
        ("0::/", {"cpu.max": "max 100000", "memory.max": "max", "memory.high": "max"}, None, None),
        # Docker and Kubernetes: the container's own group is the root.
        ("0::/", {"cpu.max": "150000 100000", "memory.max": str(GIB)}, 1.5, GIB),
        ("0::/", {"memory.max": str(2 * GIB), "memory.high": str(GIB)}, None, GIB),
        # SLURM, systemd: a parent of the process's group has the limit.
        (
            SLURM,
            {
                "system.slice/slurmstepd.scope/job_7/cpu.max": "400000 100000",
                "system.slice/slurmstepd.scope/job_7/memory.max": str(3 * GIB),
                "system.slice/slurmstepd.scope/job_7/step_0/user/task_0/cpu.max": "max 100000",
            },
            4.0,
            3 * GIB,
        ),
        # Version 1, within a container: the path is the host's, the files are in the mount.
        (
            V1,
            {
                "cpu/cpu.cfs_quota_us": "50000",
                "cpu/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(GIB),
            },
            0.5,
            GIB,
        ),
        # Version 1 on the host, both names of the controller mounted.
        (
            V1,
            {
                "cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "200000",
                "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
            },
            2.0,
            None,
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
        ("0::/", {"cpu.max": "nonsense", "memory.max": ""}, None, None),
    ],
)
def test_the_limits_of_control_groups_are_read(cgroups, membership, files, cpus, memory):
    found = cgroups(membership, files)
    assert found.cpus() == cpus
    assert found.memory() == memory


@pytest.mark.parametrize(("quota", "expected"), [(0.2, 1), (1.0, 1), (1.9, 1), (3.0, 3)])
def test_a_cpu_quota_is_rounded_down_to_at_least_one_core(cgroups, monkeypatch, quota, expected):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    limited = cgroups("0::/", {"cpu.max": f"{int(quota * 100_000)} 100000"})
    assert allowed_cpus(limited) == expected
    assert allowed_cpus(cgroups("0::/", {"cpu.max": "max 100000"})) == 6


def test_limits_above_the_machines_resources_are_ignored(cgroups):
    generous = cgroups("0::/", {"cpu.max": "99900000 100000", "memory.max": str(2**62)})
    assert allowed_cpus(generous) <= os.cpu_count()
    assert allowed_memory(generous) <= psutil.virtual_memory().total


def test_free_memory_is_bounded_by_the_limit_of_the_group(cgroups):
    held = psutil.Process().memory_info().rss
    limited = cgroups("0::/", {"memory.max": str(held + 100_000_000)})
    assert 0 < free_memory(limited) < 200_000_000
    assert free_memory(cgroups("0::/", {"memory.max": "1000"})) == 0
    assert free_memory(cgroups("0::/", {})) <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        (
            "0::/job/worker",
            {
                "job/memory.max": str(10 * GIB),
                "job/memory.current": str(10 * GIB - 50_000_000),
                "job/memory.stat": "anon 7\ninactive_file 20000000",
                "job/worker/memory.max": "max",
            },
        ),
        (
            "5:memory:/job",
            {
                "memory/job/memory.limit_in_bytes": str(10 * GIB),
                "memory/job/memory.usage_in_bytes": str(10 * GIB - 50_000_000),
                "memory/job/memory.stat": "cache 7\ntotal_inactive_file 20000000",
            },
        ),
    ],
)
def test_the_workers_of_a_group_share_its_memory(cgroups, membership, files):
    assert free_memory(cgroups(membership, files)) == 70_000_000


def test_the_hardware_description_names_the_limits_of_the_process():
    code = "from tune_mnist.environment import describe_hardware; print(describe_hardware())"
    limit = 16 * GIB if psutil.virtual_memory().total > 17 * GIB else None

    def one_core():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    result = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=one_core,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert f"1 of {psutil.cpu_count()} cores" in result.stdout or psutil.cpu_count() == 1
    assert limit is None or " 16 of " in result.stdout
    assert "cores" in describe_hardware()
