"""Notices in good time that a cluster has lost its head."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tune_mnist.tuning.cluster.connection import open_connection

LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 15.0
"""A head that is silent for so long will not come back; Ray itself waits for a minute."""


@contextmanager
def head_watched(address: str | None, give_up: Callable[[], None]) -> Iterator[None]:
    """Ask the head now and then whether it is there, and tell once it is not.

    Without its head a driver can do nothing: its calls wait for a minute, then Ray ends the
    process with a page of its own.

    Args:
        address: ``host:port`` of the head; None: there is none to be lost.
        give_up: called by a thread of its own: the main one may be inside Ray, waiting.
    """
    over = threading.Event()
    if address is not None:
        threading.Thread(target=_watch, args=(address, give_up, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(address: str, give_up: Callable[[], None], over: threading.Event) -> None:
    heard = time.monotonic()
    while not over.wait(LOOK_SECONDS):
        try:
            open_connection(address).close()
            heard = time.monotonic()
        except OSError:
            if time.monotonic() - heard > PATIENCE_SECONDS:
                give_up()
                return
