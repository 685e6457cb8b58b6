"""Tasks that check one node of a cluster."""

from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tune_mnist.errors import last_line

TASK_SECONDS = 120
"""Timeout of a task; a node may first have to unpack the runtime environment."""

Node = dict[str, Any]
"""Description of a node, as ``ray.nodes()`` returns it."""


def alive_nodes() -> list[Node]:
    """Return the nodes of the cluster that are alive."""
    return [node for node in ray.nodes() if node["Alive"]]


def node_name(node: Node) -> str:
    """Return the address and host name of a node, for messages."""
    return f"node {node['NodeManagerAddress']} ({node['NodeManagerHostname']})"


def submit(node: Node, check: Callable[..., str], *arguments: Any) -> "ray.ObjectRef[str]":
    """Start a check on a node, without waiting for its result.

    Args:
        node: Node that runs the check.
        check: Function that returns an error as text, or an empty string.
        *arguments: Arguments of the function.
    """
    remote_check = ray.remote(num_cpus=0, max_retries=0)(check)
    on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    task: ray.ObjectRef[str] = remote_check.options(scheduling_strategy=on_node).remote(*arguments)
    return task


def result_or_error(task: "ray.ObjectRef[str]") -> str:
    """Wait for a check, and return its error, the failure of the task, or an empty string.

    Args:
        task: Task that ``submit`` returned.
    """
    try:
        complaint: str = ray.get(task, timeout=TASK_SECONDS)
    except GetTimeoutError:
        return f"has not answered for {TASK_SECONDS} seconds"
    except RayError as error:
        return f"cannot run a task: {last_line(error)}"
    return complaint
