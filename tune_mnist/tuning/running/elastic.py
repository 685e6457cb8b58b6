"""Adaptation of a running search to nodes that join or leave the cluster."""

import time
from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial
from ray.util.placement_group import NODE_ID_LABEL_KEY, placement_group

from tune_mnist.tuning.cluster.node_tasks import Node, alive_nodes, node_name
from tune_mnist.tuning.cluster.placement import count_fitting
from tune_mnist.tuning.cluster.shared_storage import Probe
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback

LOOK_SECONDS = 2.0


class ClusterFollower(StatelessCallback):
    """Callback that adapts the number of concurrent trials to the nodes of the cluster.

    The callback checks every few seconds which nodes are alive. A new node gets trials only after
    a test has shown that it can access the checkpoints. A node that cannot access them is
    reserved, so that Ray places no trial on it.

    Args:
        context: Context of the search.
        use: Function to call with the number of concurrent trials whenever this number changes.
        tell: Function to call with a one-line message whenever a node joins or leaves.
    """

    def __init__(
        self, context: SearchContext, use: Callable[[int], None], tell: Callable[[str], None]
    ) -> None:
        self._workers = context.workers
        self._most = context.options.max_concurrent
        self._place = context.options.storage_path or str(context.directory)
        self._use = use
        self._tell = tell
        self._nodes = {node["NodeID"]: node for node in context.nodes or ()}
        """Nodes that get trials, keyed by node ID."""
        self._probes: dict[str, Probe] = {}
        self._refused: set[str] = set()
        self._looked = time.monotonic()

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Check at most every ``LOOK_SECONDS`` whether nodes have joined or left the cluster."""
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
            now = "no node has room for a trial, so the search waits for a node to join"
        for node in gone:
            self._tell(f"{node_name(node)} has left the cluster; {now}")
        for node in joined:
            self._tell(f"{node_name(node)} has joined the cluster; {now}")

    def _admit(self, alive: dict[str, Node]) -> list[Node]:
        """Start probes of new nodes, and return the nodes whose probe has succeeded."""
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
                    f"{node_name(node)} has joined the cluster, but gets no trials, because it"
                    f" {complaint}"
                )
            else:
                self._nodes[node_id] = node
                joined.append(node)
        return joined


def _keep_free(node: Node) -> None:
    """Reserve all CPUs of a node until the driver ends, so that Ray places no trial on it."""
    cpus = node["Resources"].get("CPU", 0)
    if cpus:
        placement_group(
            [{"CPU": cpus}], bundle_label_selector=[{NODE_ID_LABEL_KEY: node["NodeID"]}]
        )
