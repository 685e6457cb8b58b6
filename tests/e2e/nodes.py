"""A cluster of Ray nodes on this machine, in a separate process: nodes can be added and killed.

Ray reads the token once per process, so the process of the tests cannot hold the cluster.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.waiting import PATIENCE, wait_until

# The head notices a dead node after three seconds instead of fifteen.
SOON = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}


class Nodes:
    """Cluster of a head without CPUs and nodes with one CPU each, identified by address.

    Args:
        process: Process that runs the cluster.

    Attributes:
        address: Address of the head.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._answer()

    def add(self, ip: str) -> None:
        """Add a node, and wait until it has joined the cluster."""
        self._tell(f"add {ip}")

    def kill(self, ip: str) -> None:
        """Kill all processes of a node."""
        self._tell(f"kill {ip}")

    @contextmanager
    def held(self, ip: str) -> Iterator[None]:
        """Stop the processes of a node that train trials until the context ends."""
        stopped = wait_until(lambda: self._training(ip))
        for process in stopped:
            process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def _training(self, ip: str) -> list[psutil.Process]:
        """Return the processes of a node that train trials."""
        with suppress(psutil.NoSuchProcess):
            return [
                worker
                for raylet in psutil.Process(self._process.pid).children(recursive=True)
                if f"--node_ip_address={ip}" in raylet.cmdline()
                for worker in raylet.children()
                if " ".join(worker.cmdline()).startswith("ray::#")
            ]
        return []

    def _tell(self, command: str) -> None:
        print(command, file=self._process.stdin, flush=True)
        assert self._answer() == command

    def _answer(self) -> str:
        answer = self._process.stdout.readline().strip()
        assert answer, "the cluster's process has ended"
        return answer


@contextmanager
def cluster(environment: dict[str, str]) -> Iterator[Nodes]:
    """Start a cluster with a head only, and end all nodes on exit."""
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
    """Run the commands on standard input: ``add ADDRESS`` or ``kill ADDRESS``."""
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
