"""Notices in good time that Ray has lost its head."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tune_mnist.tuning.cluster.connection import Resources, open_connection

LOOK_SECONDS = 2.0
LOCAL_LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 15.0
"""A head that is silent for so long will not come back; Ray itself waits for a minute."""


class Head(Protocol):
    """The head of a Ray cluster, or what stands for it on one machine."""

    def complaint(self) -> str:
        """Return what is wrong for good, or an empty text."""


class RemoteHead:
    """The head of a cluster, asked over the network whether it is there.

    Args:
        address: ``host:port`` of the head.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._heard = time.monotonic()

    def complaint(self) -> str:
        """Return that the head has been silent for too long, or an empty text."""
        try:
            open_connection(self._address).close()
            self._heard = time.monotonic()
        except OSError:
            if time.monotonic() - self._heard > PATIENCE_SECONDS:
                return (
                    f"Ray cluster at '{self._address}': its head has not answered for"
                    f" {PATIENCE_SECONDS:.0f} seconds"
                )
        return ""


@contextmanager
def head_watched(resources: Resources, give_up: Callable[[str], None]) -> Iterator[None]:
    """Check the head of Ray at intervals, and call ``give_up`` once it is gone.

    Without its head a driver can do nothing: its calls wait for a minute, then Ray ends the
    process with a page of its own.

    Args:
        resources: Where Ray runs.
        give_up: Called with what is wrong, by a thread of its own: the main one may be inside
            Ray, waiting.
    """
    head: Head | None = resources.local
    seconds = LOCAL_LOOK_SECONDS
    if resources.head is not None:
        head, seconds = RemoteHead(resources.head), LOOK_SECONDS
    over = threading.Event()
    if head is not None:
        threading.Thread(target=_watch, args=(head, seconds, give_up, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(
    head: Head, seconds: float, give_up: Callable[[str], None], over: threading.Event
) -> None:
    while not over.wait(seconds):
        complaint = head.complaint()
        # Whoever ends Ray has ended the watch before.
        if complaint and not over.is_set():
            give_up(complaint)
            return
