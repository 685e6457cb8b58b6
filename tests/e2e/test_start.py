"""What a user meets who changes their mind while a search still starts."""

import signal
import time

import psutil
import pytest

from tests.e2e.commands import start

pytestmark = pytest.mark.e2e


def test_ctrl_c_while_ray_starts_leaves_neither_ray_nor_a_folder(tmp_path):
    output = tmp_path / "results"
    process = start("search", "--dataset", "digits", "--output-dir", str(output), "--name", "cut")
    driver = psutil.Process(process.pid)
    while not (begun := driver.children(recursive=True)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == "interrupted\n"
    assert not output.exists()
    assert psutil.wait_procs(begun, timeout=30)[1] == []
