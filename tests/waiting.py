"""Waiting for events, with timeouts long enough for a busy machine."""

import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds until a wait fails, many times the duration on an idle machine."""


def wait_until(
    condition: Callable[[], T],
    process: "subprocess.Popen[str] | None" = None,
    *,
    every: float = 0.05,
) -> T:
    """Wait until a condition is true, and return its result.

    Args:
        condition: Function that is called until its result is true.
        process: Process that must live until then; its standard error is shown if it ends before.
        every: Seconds between two calls.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if process is not None and process.poll() is not None and not condition():
            raise AssertionError(f"ended with {process.returncode}: {process.stderr.read()}")
        assert time.monotonic() < deadline, f"{condition} has not come about"
        time.sleep(every)
    return found


def eventually(check: Callable[[], T], *also: type[Exception], every: float = 0.5) -> T:
    """Repeat a check until it passes, and return what it returns.

    Args:
        check: Function with assertions that become true.
        also: Exceptions that lead to another attempt, besides failed assertions.
        every: Seconds between two attempts.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return check()
        except (AssertionError, *also):
            if time.monotonic() > deadline:
                raise
        time.sleep(every)


class Output:
    """Standard output of a process, read by a thread as it is printed.

    Args:
        process: Process whose standard output is a pipe without another reader.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.lines: list[str] = []
        assert process.stdout is not None
        self._pipe = process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._pipe:
            self.lines.append(line)

    @property
    def text(self) -> str:
        """Text that was printed so far."""
        return "".join(self.lines)

    def all(self) -> str:
        """Wait for the end of the output, and return all of it."""
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()
        return self.text
