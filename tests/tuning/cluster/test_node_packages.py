"""Shipped package, and packages that nodes must have."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("job", [None, {"runtime_env": {"working_dir": "gcs://code.zip"}}])
def test_the_package_is_shipped_within_a_ray_job(monkeypatch, job):
    if job is not None:
        monkeypatch.setenv(JOB, json.dumps(job))
    (package,) = runtime_environment()["py_modules"]
    assert Path(package, "tuning", "trials", "trainable.py").is_file()


def test_a_job_that_ships_modules_is_left_unchanged(monkeypatch):
    monkeypatch.setenv(JOB, json.dumps({"runtime_env": {"py_modules": ["gcs://code.zip"]}}))
    assert runtime_environment() == {}
