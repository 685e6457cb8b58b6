"""Shipped package, and packages that nodes must have."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import python
from tests.messages import assert_named
from tune_mnist.tuning.cluster.node_packages import runtime_environment, what_is_missing

JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"


def test_a_machine_with_all_packages_passes():
    assert what_is_missing() == ""


@pytest.mark.parametrize("package", ["torch", "sklearn"])
def test_a_missing_package_is_named(package):
    code = (
        f"import sys; sys.modules['{package}'] = None\n"
        "from tune_mnist.tuning.cluster.node_packages import what_is_missing\n"
        "print(what_is_missing())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert package in told


@pytest.mark.e2e
def test_workers_with_a_runtime_environment_are_checked_in_the_ray_of_the_calling_program(
    tmp_path,
):
    (tmp_path / "sklearn.py").write_text("raise ImportError('not for these workers')")
    code = (
        "import sys, ray\n"
        "from tune_mnist.errors import UserError\n"
        "from tune_mnist.tuning.cluster.node_packages import check_packages\n"
        "environment = {'env_vars': {'PYTHONPATH': sys.argv[1]}}\n"
        "for given in ({}, environment):\n"
        "    ray.init('local', num_cpus=1, include_dashboard=False, runtime_env=given)\n"
        "    try: check_packages()\n"
        "    except UserError as error: print(error)\n"
        "    ray.shutdown()\n"
    )
    (line,) = python("-c", code, str(tmp_path)).stdout.splitlines()
    assert_named("node not for these workers", line)


@pytest.mark.parametrize("job", [None, {"runtime_env": {"working_dir": "gcs://code.zip"}}])
def test_the_package_is_shipped_within_a_ray_job(monkeypatch, job):
    if job is not None:
        monkeypatch.setenv(JOB, json.dumps(job))
    (package,) = runtime_environment()["py_modules"]
    assert Path(package, "tuning", "trials", "trainable.py").is_file()


def test_a_job_that_ships_modules_is_left_unchanged(monkeypatch):
    monkeypatch.setenv(JOB, json.dumps({"runtime_env": {"py_modules": ["gcs://code.zip"]}}))
    assert runtime_environment() == {}
