"""Waiting for events: for as long as a busy machine may need, and no longer than the event."""

import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds until a wait counts as failed, many times what an idle machine needs."""


def wait_until(
    condition: Callable[[], T],
    process: "subprocess.Popen[str] | None" = None,
    *,
    every: float = 0.05,
) -> T:
    """Return the first true result of a condition.

    Args:
        condition: What is waited for.
        process: Must live until then; its standard error is shown if it has ended.
        every: Seconds between two looks.
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
        check: Asserts something that is going to be true.
        also: Exceptions that mean "not yet", beside a failed assertion.
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
    """What a process prints, read as it comes.

    Args:
        process: Its standard output must be a pipe that nobody else reads.
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
        """All that was printed so far."""
        return "".join(self.lines)

    def all(self) -> str:
        """Wait for the end of the output, and return all of it."""
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()
        return self.text
