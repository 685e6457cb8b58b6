"""A question to a node of the cluster, before there is work to lose."""

from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tune_mnist.errors import last_line

# A node may first have to unpack the runtime environment.
TASK_SECONDS = 120

Node = dict[str, Any]
"""A node as ``ray.nodes()`` describes it."""


def alive_nodes() -> list[Node]:
    """Return the nodes of the cluster that are there now."""
    return [node for node in ray.nodes() if node["Alive"]]


def node_name(node: Node) -> str:
    """Return what people call a node."""
    return f"node {node['NodeManagerAddress']} ({node['NodeManagerHostname']})"


def submit(node: Node, question: Callable[..., str], *given: Any) -> "ray.ObjectRef[str]":
    """Have a node run a function that returns what is wrong, or an empty text; do not wait."""
    task = ray.remote(num_cpus=0, max_retries=0)(question)
    there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    asked: ray.ObjectRef[str] = task.options(scheduling_strategy=there).remote(*given)
    return asked


def result_or_error(asked: "ray.ObjectRef[str]") -> str:
    """Wait for what a node answers: what is wrong, be it that it does not, or an empty text."""
    try:
        complaint: str = ray.get(asked, timeout=TASK_SECONDS)
    except GetTimeoutError:
        return f"has not answered for {TASK_SECONDS} seconds"
    except RayError as error:
        return f"cannot run a task: {last_line(error)}"
    return complaint
