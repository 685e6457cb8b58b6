"""A cluster that grows and shrinks: as many trials at a time as its nodes hold now."""

import time
from collections.abc import Callable
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.util.placement_group import NODE_ID_LABEL_KEY, placement_group

from tune_mnist.tuning.cluster.connection import count_fitting
from tune_mnist.tuning.cluster.node_tasks import Node, alive_nodes, node_name
from tune_mnist.tuning.cluster.shared_storage import Probe
from tune_mnist.tuning.planning.resources import Workers

LOOK_SECONDS = 2.0


class ClusterFollower(Callback):
    """Looks every few seconds which nodes there are, and says how many trials they hold.

    A node that joins is used once it has shown that it sees the results folder; one that does not
    is kept free of trials.

    Args:
        workers: how trials are placed, and how many run at the start.
        nodes: those that have shown at the start that they see it.
        most: trials at a time, whatever joins; None: as many as fit.
        place: path of the folder, or URI of the bucket, where the checkpoints go.
        use: told how many trials may run at a time, whenever that has changed.
        tell: told of nodes that join or go, in a line each.
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
        """Those that get trials."""
        self._probes: dict[str, Probe] = {}
        self._refused: set[str] = set()
        self._looked = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; the cluster is asked anew.
        return {}

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Look at the cluster, now and then."""
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
        now = f"{min(fitting, self._most or fitting)} at a time from here on"
        if not fitting:
            now = "no node holds a trial any more: waiting for one to join"
        for node in gone:
            self._tell(f"{node_name(node)} has gone; trials: {now}")
        for node in joined:
            self._tell(f"{node_name(node)} has joined; trials: {now}")

    def _admit(self, alive: dict[str, Node]) -> list[Node]:
        """Ask the nodes that are new; return those that have answered well since."""
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
                self._tell(f"{node_name(node)} has joined, but gets no trials: it {complaint}")
            else:
                self._nodes[node_id] = node
                joined.append(node)
        return joined


def _keep_free(node: Node) -> None:
    """Claim all CPUs of a node for as long as the driver lives: trials need some."""
    cpus = node["Resources"].get("CPU", 0)
    if cpus:
        placement_group(
            [{"CPU": cpus}], bundle_label_selector=[{NODE_ID_LABEL_KEY: node["NodeID"]}]
        )
