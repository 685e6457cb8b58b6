"""Cost of orchestration on a large cluster: ``python -m benchmarks.scale``.

Runs trials without training (benchmarks/orchestration.py) on a cluster of many nodes, and on a
single node with as many CPUs. Both clusters consist of processes on this machine
(``ray.cluster_utils.Cluster``), so Ray only counts the CPUs, and many workers share few cores.
Compare the seconds per trial, which show the speed of the driver, and the difference between the
rows. The cost per trial includes the time in which workers wait for a core. The cluster requires
a token, as a real one does.
"""

import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pandas as pd
import psutil
from ray.cluster_utils import Cluster

from benchmarks.orchestration import SPACE, cost_row, run_components
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.tuning.cluster.connection import connected
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.spaces.space import load_space

STEM = Path(__file__).with_suffix("")
OBJECT_STORE_BYTES = 80_000_000


@contextmanager
def simulated(nodes: int, cpus: int) -> Iterator[None]:
    """Start a simulated cluster of nodes with a number of CPUs each, and connect to it."""
    node = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(wait=False, **node)
        cluster.wait_for_nodes(timeout=300)
        with connected(cluster.address):
            yield
    finally:
        cluster.shutdown()


class MemoryWatch:
    """Records the peak of the machine's used memory since its creation, in GB."""

    def __init__(self) -> None:
        self._before = self._least = psutil.virtual_memory().available
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Stop recording, and return the peak of all processes together."""
        self._stop.set()
        self._thread.join()
        return (self._before - self._least) / 1e9

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self._least = min(self._least, psutil.virtual_memory().available)


def measure(nodes: int, cpus: int, trials: int, options: SearchOptions) -> dict[str, Any]:
    """Run trials on a simulated cluster; return the row with their cost."""
    concurrent = options.max_concurrent or 1
    watch = MemoryWatch()
    with simulated(nodes, cpus), tempfile.TemporaryDirectory() as folder:
        times = run_components(
            trials, load_space(SPACE), options, Path(folder, "search"), elastic=nodes > 1
        )
    return {
        "nodes": nodes,
        "cpus_per_node": cpus,
        **cost_row("ours", trials, times, concurrent),
        "seconds_per_trial": round(times.all_trials / trials, 4),
        "memory_gb": round(watch.end(), 1),
    }


def ask_for_a_token() -> None:
    """Restart this process with a token in the environment; Ray reads it when it is imported."""
    if os.environ.get("RAY_AUTH_MODE") != "token":
        given = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        command = [sys.executable, "-m", "benchmarks.scale", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | given)  # noqa: S606 - our own command


@click.command()
@click.option("--nodes", type=int, default=20, show_default=True)
@click.option("--cpus-per-node", "cpus", type=int, default=4, show_default=True)
@click.option(
    "--concurrent", type=int, default=64, show_default=True, help="Number of concurrent trials."
)
@click.option("--trials", type=int, default=2000, show_default=True)
@click.option("--max-epochs", type=int, default=9, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(
    nodes: int, cpus: int, concurrent: int, trials: int, max_epochs: int, output: Path
) -> None:
    """Measure the cost of a trial without training, on one node and on many."""
    options = SearchOptions.for_space(
        load_space(SPACE), dataset="digits", max_concurrent=concurrent, max_epochs=max_epochs
    )
    ask_for_a_token()
    rows = []
    for count, each in ((1, nodes * cpus), (nodes, cpus)):
        rows.append(measure(count, each, trials, options))
        click.echo(rows[-1])
    title = f"Orchestration of {concurrent} concurrent trials, on one node and on {nodes}"
    show_and_write(pd.DataFrame(rows), output, title)


if __name__ == "__main__":
    run(main)
