"""What a user meets who changes their mind while a search still starts."""

import signal
import time
import uuid
from contextlib import suppress

import psutil
import pytest

from tests.e2e.commands import start

pytestmark = pytest.mark.e2e
MARK = "TUNE_MNIST_TEST_MARK"


def marked(value: str) -> list[psutil.Process]:
    """Return the living processes that the marked command and its children have started."""
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
        deadline = time.monotonic() + 120
        while not any(map(names_raylet, marked(value))):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 130
        assert err.strip() == "interrupted"
        assert not output.exists()
        deadline = time.monotonic() + 30
        while marked(value) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert marked(value) == []
    finally:
        for left in marked(value):
            with suppress(psutil.NoSuchProcess):
                left.kill()
