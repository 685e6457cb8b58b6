"""Ray tasks that run a check on a given node of a cluster."""

from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tune_mnist.errors import last_line

TASK_SECONDS = 600
"""Timeout of a task in seconds.

A node may first have to unpack the runtime environment, and then imports PyTorch and Ray. On a
node whose cores are busy, this takes minutes, as Ray gives its workers a low priority.
"""

NO_ANSWER = (
    f"has not answered for {TASK_SECONDS} seconds: it is overloaded, or Ray cannot start workers"
    " on it"
)
"""Error message of a task that has timed out."""

Node = dict[str, Any]
"""Description of a node, as returned by ``ray.nodes()``."""


def alive_nodes() -> list[Node]:
    """Return the nodes of the cluster that are alive."""
    return [node for node in ray.nodes() if node["Alive"]]


def node_name(node: Node) -> str:
    """Return the address and host name of a node, by which messages identify the node."""
    return f"node {node['NodeManagerAddress']} ({node['NodeManagerHostname']})"


def submit(node: Node, check: Callable[..., str], *arguments: Any) -> "ray.ObjectRef[str]":
    """Start a check of a node as a Ray task on the node, without waiting for the result.

    Args:
        node: Node that runs the check.
        check: Function to run on the node. It returns an error message, or an empty string if the
            node can be used for trials.
        *arguments: Arguments of the function.
    """
    remote_check = ray.remote(num_cpus=0, max_retries=0)(check)
    on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    task: ray.ObjectRef[str] = remote_check.options(scheduling_strategy=on_node).remote(*arguments)
    return task


def result_or_error(task: "ray.ObjectRef[str]") -> str:
    """Wait for a node check that was started by ``submit``, and return its error message.

    Args:
        task: Task returned by ``submit``.

    Returns:
        Error message of the check, or of the task if it failed; an empty string if there is no
        error. The message is a predicate to append to the name of the node, such as "cannot read
        the folder".
    """
    try:
        complaint: str = ray.get(task, timeout=TASK_SECONDS)
    except GetTimeoutError:
        return NO_ANSWER
    except RayError as error:
        return f"cannot run a task: {last_line(error)}"
    return complaint
