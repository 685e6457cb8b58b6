"""Functions that run the project's commands, as separate processes or in this one."""

import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.waiting import PATIENCE, wait_until
from tune_mnist.tuning.recording.study import JOURNAL


def start(
    command: str, *arguments: str, stderr: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """Start a command. A search has no dashboard, which takes time, unless it asks for one."""
    if command == "search" and "--dashboard" not in arguments:
        arguments = ("--no-dashboard", *arguments)
    return subprocess.Popen(
        [sys.executable, "-m", f"tune_mnist.{command}", *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=os.environ | environment,
        # A process started in the background by a shell inherits an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(command, *arguments, **environment)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()  # no effect after the end of the process
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def python(
    *arguments: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder; fail with its standard error if its exit status is not 0."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def in_this_process(command: click.Command, *arguments: str) -> str:
    """Run a command without the imports of a new process, and return its standard output.

    A search needs the fixture ``small_ray``.

    Raises:
        UserError: The command refuses its arguments or its input.
    """
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def script(path: Path, *arguments: str, folder: Path) -> None:
    """Run a script in a folder, and in this process.

    A script with a search needs the fixture ``small_ray``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(path), *arguments])
        patch.chdir(folder)
        runpy.run_path(str(path), run_name="__main__")


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Send SIGINT as Ctrl-C does; return standard output and standard error."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=PATIENCE)


def journal_lines(directory: Path) -> int:
    """Return the number of lines in the journal of a search."""
    journal = directory / JOURNAL
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def kill_at(process: subprocess.Popen[str], directory: Path, lines: int, seconds: float) -> None:
    """Send SIGKILL to the driver some seconds after its journal has reached a number of lines.

    Args:
        process: Process of the driver; if it ends before, the wait ends, too.
        directory: Results folder of the search.
        lines: Number of lines to wait for.
        seconds: Seconds between the wait and the signal.
    """
    wait_until(lambda: process.poll() is not None or journal_lines(directory) >= lines, every=0.02)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
