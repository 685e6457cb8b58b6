"""Detection of the loss of Ray's head."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tune_mnist.tuning.cluster.connection import Resources, open_connection

CHECK_SECONDS = 2.0
LOCAL_CHECK_SECONDS = 0.5
SILENCE_SECONDS = 15.0
"""Silence after which a head is considered lost; Ray itself waits for a minute."""


class Head(Protocol):
    """The head of a Ray cluster, or the processes of Ray on this machine."""

    def complaint(self) -> str:
        """Return the reason why the head is lost, or an empty string."""


class RemoteHead:
    """The head of a cluster, checked by connecting to it.

    Args:
        address: Address of the head, ``host:port``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._last_answer = time.monotonic()

    def complaint(self) -> str:
        """Return an error if the head has been silent for too long, or an empty string."""
        try:
            open_connection(self._address).close()
            self._last_answer = time.monotonic()
        except OSError:
            if time.monotonic() - self._last_answer > SILENCE_SECONDS:
                return (
                    f"Ray cluster at '{self._address}': its head has not answered for"
                    f" {SILENCE_SECONDS:.0f} seconds"
                )
        return ""


@contextmanager
def head_watched(resources: Resources, give_up: Callable[[str], None]) -> Iterator[None]:
    """Check Ray's head at intervals, and call ``give_up`` once it is lost.

    Without a head, the calls of a driver block for a minute. Then Ray ends the process with a long
    error message.

    Args:
        resources: Resources of the cluster, which name its head.
        give_up: Function that receives the reason. It is called in a background thread, because
            the main thread may be blocked inside Ray.
    """
    head: Head | None = resources.local
    seconds = LOCAL_CHECK_SECONDS
    if resources.head is not None:
        head, seconds = RemoteHead(resources.head), CHECK_SECONDS
    stopped = threading.Event()
    if head is not None:
        watch = threading.Thread(
            target=_watch, args=(head, seconds, give_up, stopped), daemon=True
        )
        watch.start()
    try:
        yield
    finally:
        stopped.set()


def _watch(
    head: Head, seconds: float, give_up: Callable[[str], None], stopped: threading.Event
) -> None:
    while not stopped.wait(seconds):
        complaint = head.complaint()
        # The search stops the watch before it ends Ray: a head ended on purpose is not lost.
        if complaint and not stopped.is_set():
            give_up(complaint)
            return
