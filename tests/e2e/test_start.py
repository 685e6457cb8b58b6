"""The start of a search in a terminal, and Ctrl-C during this start."""

import os
import pty
import uuid
from contextlib import suppress

import psutil
import pytest

from tests.e2e.commands import interrupt, run, start
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


def shown(terminal: int) -> list[str]:
    """Return the lines that a terminal shows. Its other end must be closed."""
    screen = b""
    with suppress(OSError):  # at the end
        while part := os.read(terminal, 4096):
            screen += part
    return screen.decode().splitlines()


def test_ctrl_c_while_ray_starts_leaves_neither_ray_nor_a_folder(tmp_path):
    output, value = tmp_path / "results", uuid.uuid4().hex
    options = ("--dataset", "digits", "--output-dir", str(output), "--name", "cut")
    screen, terminal = pty.openpty()
    process = start("search", *options, stderr=terminal, **{MARK: value})
    os.close(terminal)
    try:
        wait_until(lambda: any(map(names_raylet, marked(value))), process)
        out, _ = interrupt(process)
        assert process.returncode == 130
        assert out == ""
        *doing, last = shown(screen)
        # A user who watches the terminal sees what the search does, and what is left of it.
        for words in ("PyTorch", "Ray"):
            assert any(words in line for line in doing), doing
        assert last.startswith("interrupted; ")
        assert "--resume" not in last  # nothing was stored
        assert not output.exists()
        wait_until(lambda: marked(value) == [])
    finally:
        os.close(screen)
        for left in marked(value):
            with suppress(psutil.NoSuchProcess):
                left.kill()


def test_an_invalid_input_leaves_no_ray_behind(tmp_path):
    output, value = tmp_path / "results", uuid.uuid4().hex
    options = ("--space", "unknown-space", "--output-dir", str(output))
    result = run("search", *options, **{MARK: value})  # starts Ray while it reads the space
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not output.exists()
    wait_until(lambda: marked(value) == [])
