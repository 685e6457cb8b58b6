"""Base class of callbacks whose state Ray does not store."""

from typing import Any

from ray.tune import Callback


class StatelessCallback(Callback):
    """Callback without a state to store.

    Ray pickles callbacks with its experiment state. A resumed search reads only the study, and
    consoles, threads and open files cannot be pickled.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {}
