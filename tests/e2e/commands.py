"""Runs the project's commands as a user would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import PATIENCE, wait_until
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
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()  # no effect on one that has ended
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Send Ctrl-C; return what was printed in all."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=PATIENCE)


def journal_lines(directory: Path) -> int:
    """Return how many lines the journal of a search has so far."""
    journal = directory / JOURNAL
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def kill_at(process: subprocess.Popen[str], directory: Path, lines: int, seconds: float) -> None:
    """SIGKILL the driver that long after its journal has come to so many lines, or has ended."""
    wait_until(lambda: process.poll() is not None or journal_lines(directory) >= lines, every=0.02)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
