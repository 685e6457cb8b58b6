"""Ctrl-C during the start of a search."""

import uuid
from contextlib import suppress

import psutil
import pytest

from tests.e2e.commands import interrupt, start
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
MARK = "TUNE_MNIST_TEST_MARK"


def marked(value: str) -> list[psutil.Process]:
    """Return the living processes of the marked command and its descendants."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(MARK) == value:
                found.append(process)
    return found


def names_raylet(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "raylet" in process.name()
    return False


def test_ctrl_c_while_ray_starts_leaves_neither_ray_nor_a_folder(tmp_path):
    output, value = tmp_path / "results", uuid.uuid4().hex
    options = ("--dataset", "digits", "--output-dir", str(output), "--name", "cut")
    process = start("search", *options, **{MARK: value})
    try:
        wait_until(lambda: any(map(names_raylet, marked(value))), process)
        _, err = interrupt(process)
        assert process.returncode == 130
        assert err.strip() == "interrupted"
        assert not output.exists()
        wait_until(lambda: marked(value) == [])
    finally:
        for left in marked(value):
            with suppress(psutil.NoSuchProcess):
                left.kill()
