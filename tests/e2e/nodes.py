"""A cluster of Ray nodes on this machine, in a process of its own: nodes are added and killed.

Ray reads the token once a process, so the tests' own process cannot hold a cluster with one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE

# A dead node is noticed after three seconds, not fifteen.
SOON = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}


class Nodes:
    """A head without CPUs, and nodes with one CPU each, by their addresses.

    Args:
        process: that holds them.

    Attributes:
        address: of the head.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._answer()

    def add(self, ip: str) -> None:
        """Add a node, and wait until the head knows it."""
        self._tell(f"add {ip}")

    def kill(self, ip: str) -> None:
        """Kill all processes of a node."""
        self._tell(f"kill {ip}")

    def _tell(self, command: str) -> None:
        print(command, file=self._process.stdin, flush=True)
        assert self._answer() == command

    def _answer(self) -> str:
        answer = self._process.stdout.readline().strip()
        assert answer, "the cluster's process has ended"
        return answer


@contextmanager
def cluster(environment: dict[str, str]) -> Iterator[Nodes]:
    """Start a head, and end all its nodes in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Nodes(process)
    finally:
        process.stdin.close()
        process.wait(timeout=PATIENCE)


def main() -> None:
    """Do what the lines on standard input say."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000}
    held = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": SOON} | small
    )
    print(held.address, flush=True)
    nodes = {}
    for line in sys.stdin:
        command, ip = line.split()
        if command == "add":
            nodes[ip] = held.add_node(num_cpus=1, node_ip_address=ip, **small)
        else:
            held.remove_node(nodes.pop(ip), allow_graceful=False)
        print(command, ip, flush=True)
    held.shutdown()


if __name__ == "__main__":
    main()
