"""Detection of the loss of Ray's head node."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tune_mnist.tuning.cluster.address import open_connection
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.cluster.local_ray import LocalRay

CHECK_SECONDS = 2.0
LOCAL_CHECK_SECONDS = 0.5
SILENCE_SECONDS = 15.0
"""Time in seconds without an answer after which a head node is considered lost.

Ray itself waits for a minute.
"""


class RemoteHead:
    """Head node of a cluster. A TCP connection shows whether it is alive.

    Args:
        address: Address of the head node, ``host:port``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._last_answer = time.monotonic()

    def complaint(self) -> str:
        """Return an error message if the head node no longer answers, or an empty string."""
        try:
            open_connection(self._address).close()
            self._last_answer = time.monotonic()
        except OSError:
            if time.monotonic() - self._last_answer > SILENCE_SECONDS:
                return (
                    f"Ray cluster at '{self._address}': the head node has not answered for"
                    f" {SILENCE_SECONDS:.0f} seconds"
                )
        return ""


@contextmanager
def head_watched(resources: Resources, give_up: Callable[[str], None]) -> Iterator[None]:
    """Context manager that checks Ray's head node at intervals in a background thread.

    If a search loses the head node without this check, Ray blocks for a minute and then ends the
    process with a long error message.

    Args:
        resources: Resources of the cluster, including the address of the head node.
        give_up: Function to call with a one-line error message when the head node is lost. It is
            called in the background thread, because the main thread may be blocked inside Ray.
    """
    head: RemoteHead | LocalRay | None = resources.local
    seconds = LOCAL_CHECK_SECONDS
    if resources.head is not None:
        head, seconds = RemoteHead(resources.head), CHECK_SECONDS
    stopped = threading.Event()
    if head is not None:
        arguments = (head.complaint, seconds, give_up, stopped)
        threading.Thread(target=_watch, args=arguments, daemon=True).start()
    try:
        yield
    finally:
        stopped.set()


def _watch(
    check: Callable[[], str],
    seconds: float,
    give_up: Callable[[str], None],
    stopped: threading.Event,
) -> None:
    while not stopped.wait(seconds):
        complaint = check()
        # The search stops the watch before it ends Ray, so that this is not reported as a loss.
        if complaint and not stopped.is_set():
            give_up(complaint)
            return
