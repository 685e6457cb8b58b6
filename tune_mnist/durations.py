"""Formatting of durations, and measurement of the time since the start of a command."""

import time
from datetime import timedelta

MINUTE = 60


def clock(seconds: float) -> str:
    """Format a duration in seconds as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def approximately(seconds: float) -> str:
    """Format an estimated duration, such as "about 0:25:00", to show that it is not exact.

    Args:
        seconds: Estimated duration in seconds.
    """
    return "less than a minute" if seconds < MINUTE else f"about {clock(seconds)}"


class Stopwatch:
    """Measures the time since the start of a command or of a call of the Python API."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def stamped(self, line: str) -> str:
        """Return a line of output with the time since the start in front of it."""
        return f"[{clock(self.seconds)}] {line}"
