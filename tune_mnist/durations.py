"""Durations: formatted, and measured since the start of a command."""

import time
from datetime import timedelta

MINUTE = 60


def clock(seconds: float) -> str:
    """Format a duration in seconds as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def approximately(seconds: float) -> str:
    """Format an estimated duration in seconds; an estimate is not exact to a second."""
    return "less than a minute" if seconds < MINUTE else f"about {clock(seconds)}"


class Stopwatch:
    """Time since the start of a command, or of a call of the Python API."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def stamped(self, line: str) -> str:
        """Return a line that begins with the time since the start."""
        return f"[{clock(self.seconds)}] {line}"
