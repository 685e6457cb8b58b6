"""Runs the project's commands as a user would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def start(command: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tune_mnist.{command}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def run(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(command, *arguments, **environment)
    out, err = process.communicate(timeout=540)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def interrupt_when(process: subprocess.Popen[str], path: Path, text: str) -> tuple[str, str]:
    """Send Ctrl-C once the file holds the text; return what was printed in all."""
    deadline = time.monotonic() + 180
    while not (path.exists() and text in path.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=120)
