"""Number of trials that fit on the nodes of a cluster."""

import sys
from collections.abc import Iterable

from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.node_tasks import Node, alive_nodes


def check_placeable(cpus_per_trial: float, gpus_per_trial: float) -> None:
    """Check that at least one node has enough resources for a trial.

    Raises:
        UserError: No node has enough resources. The message says what the largest node has.
    """
    nodes = [node["Resources"] for node in alive_nodes()]
    wanted = {"CPU": cpus_per_trial, "GPU": gpus_per_trial}
    if any(all(node.get(kind, 0) >= need for kind, need in wanted.items()) for node in nodes):
        return
    for kind, need in wanted.items():
        most = max((node.get(kind, 0) for node in nodes), default=0)
        if most < need:
            raise UserError(
                f"--{kind.lower()}s-per-trial {need:g}: no node has that many {kind}s"
                f" (the largest node has {most:g})"
            )
    raise UserError(
        f"--cpus-per-trial {cpus_per_trial:g} and --gpus-per-trial {gpus_per_trial:g}: no single"
        " node has both; reduce one of the two options"
    )


def count_fitting(
    cpus_per_trial: float, gpus_per_trial: float, nodes: Iterable[Node] | None = None
) -> int:
    """Return how many trials can run at the same time.

    Args:
        cpus_per_trial: CPU cores per trial.
        gpus_per_trial: GPUs per trial.
        nodes: Nodes to run trials on. If None, all nodes that are alive are used.
    """
    return sum(
        min(
            _times(node.get("CPU", 0), cpus_per_trial),
            # Ray places a fraction of a GPU on a single GPU.
            int(node.get("GPU", 0)) * _times(1, gpus_per_trial)
            if 0 < gpus_per_trial < 1
            else _times(node.get("GPU", 0), gpus_per_trial),
        )
        for node in (each["Resources"] for each in (alive_nodes() if nodes is None else nodes))
    )


def _times(have: float, need: float) -> int:
    """Return how many times ``need`` fits into ``have``, without the rounding error of floats."""
    return int(have / need + 1e-9) if need else sys.maxsize
