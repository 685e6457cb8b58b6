"""Elastic clusters: the number of concurrent trials follows the nodes that join and leave."""

import time
from collections.abc import Callable
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.util.placement_group import NODE_ID_LABEL_KEY, placement_group

from tune_mnist.tuning.cluster.node_tasks import Node, alive_nodes, node_name
from tune_mnist.tuning.cluster.placement import count_fitting
from tune_mnist.tuning.cluster.shared_storage import Probe
from tune_mnist.tuning.planning.resources import Workers

LOOK_SECONDS = 2.0


class ClusterFollower(Callback):
    """Callback that checks every few seconds which nodes are alive.

    A node that joins gets trials once a probe shows that it can reach the storage of the
    checkpoints. A node that cannot is kept free of trials.

    Args:
        workers: Placement of the trials.
        nodes: Nodes that can reach the storage, at the start of the search.
        most: Maximum number of concurrent trials. If None, as many run as the nodes can hold.
        place: Path of the folder or URI of the bucket that holds the checkpoints.
        use: Called with the number of concurrent trials whenever it changes.
        tell: Called with a one-line message whenever a node joins or leaves.
    """

    def __init__(
        self,
        workers: Workers,
        nodes: list[Node],
        most: int | None,
        place: str,
        use: Callable[[int], None],
        tell: Callable[[str], None],
    ) -> None:
        self._workers = workers
        self._most = most
        self._place = place
        self._use = use
        self._tell = tell
        self._nodes = {node["NodeID"]: node for node in nodes}
        """Nodes that get trials, by node ID."""
        self._probes: dict[str, Probe] = {}
        self._refused: set[str] = set()
        self._looked = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles callbacks with the experiment state; a resumed search reads the nodes again.
        return {}

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Compare the alive nodes with the known ones, at most every ``LOOK_SECONDS``."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        alive = {node["NodeID"]: node for node in alive_nodes()}
        gone = [self._nodes.pop(node_id) for node_id in self._nodes.keys() - alive.keys()]
        joined = self._admit(alive)
        if not gone and not joined:
            return
        fitting = count_fitting(self._workers.cpus, self._workers.gpus, self._nodes.values())
        self._use(max(min(fitting, self._most or fitting), 1))
        now = f"concurrent trials: {min(fitting, self._most or fitting)}"
        if not fitting:
            now = "no node has room for a trial: waiting for a node to join"
        for node in gone:
            self._tell(f"{node_name(node)} has left the cluster; {now}")
        for node in joined:
            self._tell(f"{node_name(node)} has joined the cluster; {now}")

    def _admit(self, alive: dict[str, Node]) -> list[Node]:
        """Probe new nodes, and return the nodes whose probe has succeeded."""
        for node_id in alive.keys() - self._nodes.keys() - self._probes.keys() - self._refused:
            self._probes[node_id] = Probe(alive[node_id], self._place)
        for node_id in self._probes.keys() - alive.keys():
            self._probes.pop(node_id).close()
        joined = []
        for node_id in [key for key, probe in self._probes.items() if probe.is_answered()]:
            node = alive[node_id]
            complaint = self._probes.pop(node_id).complaint()
            if complaint:
                self._refused.add(node_id)
                _keep_free(node)
                self._tell(
                    f"{node_name(node)} has joined the cluster, but gets no trials: it {complaint}"
                )
            else:
                self._nodes[node_id] = node
                joined.append(node)
        return joined


def _keep_free(node: Node) -> None:
    """Reserve all CPUs of a node until the driver ends, so that Ray places no trial there."""
    cpus = node["Resources"].get("CPU", 0)
    if cpus:
        placement_group(
            [{"CPU": cpus}], bundle_label_selector=[{NODE_ID_LABEL_KEY: node["NodeID"]}]
        )
