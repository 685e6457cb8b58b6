"""Check that the nodes of a cluster have the packages that trials need."""

import importlib

from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.node_tasks import alive_nodes, node_name, result_or_error, submit

_RUN_BY_WORKERS = (
    "tune_mnist.tuning.trials.trainable",
    "tune_mnist.tuning.final.final_training",
    "sklearn.metrics",  # imported only when a final run is evaluated
)
"""Modules whose import loads all packages that workers use."""


def check_packages() -> None:
    """Check that the workers on every node can import the packages that trials require.

    The package tune_mnist itself need not be installed on the nodes, because Ray ships it.

    Raises:
        UserError: A package is missing on a node. The message names the package and the node.
    """
    for node, task in [(node, submit(node, what_is_missing)) for node in alive_nodes()]:
        complaint = result_or_error(task)
        if complaint:
            raise UserError(
                f"{node_name(node)} {complaint}; install the dependencies of tune_mnist on each"
                " node, in the Python that runs Ray"
            )


def what_is_missing() -> str:
    """Return an error message if a package cannot be imported on this node, or an empty string."""
    for module in _RUN_BY_WORKERS:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return f"cannot run trials: {error}"
    return ""
