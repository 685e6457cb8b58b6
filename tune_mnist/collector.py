"""Suspension of Python's garbage collector."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_suspensions = 0
_was_enabled = False


@contextmanager
def collector_suspended() -> Iterator[None]:
    """Context manager that suspends the garbage collector, in all threads of the process.

    Imports of large packages take about a sixth less CPU time, as the collector otherwise searches
    their objects for garbage again and again. The collector resumes when the last of several
    contexts ends, unless it was disabled before the first one began.
    """
    global _suspensions, _was_enabled
    with _lock:
        if _suspensions == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _suspensions += 1
    try:
        yield
    finally:
        with _lock:
            _suspensions -= 1
            if _suspensions == 0 and _was_enabled:
                gc.enable()
