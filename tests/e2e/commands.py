"""Runs the project's commands as a user would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tune_mnist.tuning.recording.study import JOURNAL


def start(command: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tune_mnist.{command}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        # A shell that runs the tests in the background lets them inherit an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(command, *arguments, **environment)
    out, err = process.communicate(timeout=540)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def interrupt_when(process: subprocess.Popen[str], path: Path, text: str) -> tuple[str, str]:
    """Send Ctrl-C once the file holds the text; return what was printed in all."""
    deadline = time.monotonic() + 300
    while not (path.exists() and text in path.read_text()):
        assert process.poll() is None, process.communicate()
        if time.monotonic() > deadline:
            process.kill()
            raise TimeoutError(f"no {text} in {path}: {process.communicate()}")
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=120)


def kill_at(process: subprocess.Popen[str], directory: Path, lines: int, seconds: float) -> None:
    """SIGKILL the driver that long after its journal has come to so many lines."""
    journal = directory / JOURNAL
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
            break
        time.sleep(0.02)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
