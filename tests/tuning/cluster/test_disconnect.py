"""End of the connection to Ray."""

import subprocess
import sys

import pytest

from tests.waiting import PATIENCE

# References to objects of Ray in cycles can only be freed by the garbage collector, which runs in
# the thread that happens to allocate objects.
SEARCH = """
import threading

import ray

from tune_mnist.tuning.cluster.connection import connected


class Holder:
    def __init__(self, reference):
        self.itself, self.reference = self, reference


def release(references):
    while references:
        Holder(references.pop())


with connected(None):
    name = ray.put(0).binary()
    references = [ray.ObjectRef(name) for _ in range(500_000)]
    threading.Thread(target=release, args=(references,), daemon=True).start()
print("ended")
"""


@pytest.mark.e2e
def test_references_that_are_freed_during_the_shutdown_do_not_end_the_process():
    result = subprocess.run(
        [sys.executable, "-c", SEARCH], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (result.returncode, result.stdout) == (0, "ended\n"), result.stderr
