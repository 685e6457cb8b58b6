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
from functools import partial
from pathlib import Path

import psutil

from benchmarks.searching import ROOT, environment

POLL_SECONDS = 0.2
END_SECONDS = 60.0
"""Seconds after which a killed process, such as one that waits for a disk, is reported."""

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36
"""Requests of Linux's prctl."""

_LIBC = ctypes.CDLL(None)


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

    On Linux, the command is killed, too, if this process is. Other processes that this process has
    started before are left alone. Temporary files of the command, such as Ray's session, are
    removed.

    Args:
        command: Program and arguments.
        log: File for its output.
        name: Name of the command, for messages.
        reached: Function that returns whether the command has reached its target.
        at_most: Maximum wall time in seconds.

    Raises:
        SystemExit: The command failed, or one of its processes cannot be killed.
    """
    _prctl(SET_CHILD_SUBREAPER, 1)  # orphans, such as Ray's workers, become our children
    others = set(psutil.Process().children(recursive=True))
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
            # Safe beside other threads: the function takes no lock.
            preexec_fn=partial(_end_with, os.getpid()),
        )
        try:
            ending = _wait(process, reached, start + at_most)
            wall = time.monotonic() - start
        finally:
            left = _end(process, others)
    if left:
        numbers = ", ".join(str(each.pid) for each in left)
        raise SystemExit(f"error: {name}: processes that cannot be killed: {numbers}")
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


def _prctl(request: int, value: int) -> None:
    if sys.platform == "linux":
        _LIBC.prctl(request, value, 0, 0, 0)


def _end_with(parent: int) -> None:
    """Let this process, which a parent has just forked, be killed at the end of the parent."""
    _prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before
        os._exit(1)


def _end(process: subprocess.Popen[bytes], others: set[psutil.Process]) -> list[psutil.Process]:
    """Kill a command, its process group and all descendants of this process except others.

    Returns:
        Processes that are still alive after ``END_SECONDS``.
    """
    deadline = time.monotonic() + END_SECONDS
    # The number of a process that has been waited for may belong to another one by now.
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    while descendants := _descendants(others):
        if time.monotonic() >= deadline:
            return descendants
        for each in descendants:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(descendants, timeout=1)
    return []


def _descendants(others: set[psutil.Process]) -> list[psutil.Process]:
    """Return the descendants of this process, without others and their descendants."""
    found = []
    for child in psutil.Process().children():
        if child not in others:
            found.append(child)
            with suppress(psutil.Error):
                found += child.children(recursive=True)
    return found
