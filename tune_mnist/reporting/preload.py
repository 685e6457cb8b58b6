"""Import of the report's modules while a search waits for its final runs."""

import threading
from contextlib import suppress

from tune_mnist.collector import collector_suspended


def preload() -> threading.Thread:
    """Import the packages that the report needs in a background thread, and return the thread.

    The imports take seconds of CPU time. They are done during the final runs, when the process of
    the search only waits, so that a search that is then stopped can write its report immediately.
    """
    thread = threading.Thread(target=_import, name="preload report", daemon=True)
    thread.start()
    return thread


def _import() -> None:
    # The report imports the same modules, and then shows the error.
    with suppress(Exception), collector_suspended():
        # PyTorch imports torch._dynamo when the operations of a network are counted.
        import torch._dynamo  # noqa: F401

        import tune_mnist.reporting.search_report  # noqa: F401
