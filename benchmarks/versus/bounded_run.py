"""Run a contestant until it has reached its target, or until its time is up."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from benchmarks.searching import ROOT, environment

POLL_SECONDS = 0.2
SET_CHILD_SUBREAPER = 36
"""Request of Linux's prctl."""


class Ending(StrEnum):
    """Why a run ended."""

    REACHED = "reached"
    TIME = "time"
    FINISHED = "finished"


@dataclass(frozen=True)
class BoundedRun:
    """A run that has ended.

    Attributes:
        ending: Why it ended.
        wall_seconds: Time from the start of its command to its end.
    """

    ending: Ending
    wall_seconds: float


def run_bounded(
    command: list[str], log: Path, name: str, reached: Callable[[], bool], at_most: float
) -> BoundedRun:
    """Run a command in the root folder of the project, and end all its processes.

    Temporary files of the command, such as Ray's session, are removed.

    Args:
        command: Program and arguments.
        log: File for its output.
        name: Name of the command, for messages.
        reached: Function that returns whether the command has reached its target.
        at_most: Maximum wall time in seconds.

    Raises:
        SystemExit: The command failed.
    """
    _adopt_orphans()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        log.open("w") as file,
    ):
        start = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env={**environment(), "TMPDIR": folder},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ending = _wait(process, reached, start + at_most)
            wall = time.monotonic() - start
        finally:
            _end(process)
    if ending is Ending.FINISHED and process.returncode:
        raise SystemExit(f"error: {name} ended with status {process.returncode}: see {log}")
    return BoundedRun(ending, wall)


def _wait(process: subprocess.Popen[bytes], reached: Callable[[], bool], end: float) -> Ending:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return Ending.FINISHED
        if reached():
            return Ending.REACHED
        if time.monotonic() >= end:
            return Ending.TIME


def _adopt_orphans() -> None:
    """Make this process the parent of descendants whose parent ends, such as Ray's workers."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command, its process group and all descendants of this process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while descendants := psutil.Process().children(recursive=True):
        for each in descendants:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(descendants, timeout=1)
