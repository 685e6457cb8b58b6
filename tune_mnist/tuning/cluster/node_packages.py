"""Packages that trials need on the nodes of a cluster."""

import importlib
from pathlib import Path
from typing import Any

import tune_mnist
from tune_mnist.errors import UserError
from tune_mnist.notices import notice
from tune_mnist.tuning.cluster.node_tasks import (
    NO_ANSWER,
    alive_nodes,
    node_name,
    result_or_error,
    submit,
)
from tune_mnist.tuning.ray_internals.settings import job_ships_modules

_RUN_BY_WORKERS = (
    "tune_mnist.tuning.trials.trainable",
    "tune_mnist.tuning.final.final_training",
    "sklearn.metrics",  # imported only when a final run is evaluated
)
"""Modules whose import loads all packages that workers use."""

_INSTALL = "install the dependencies of tune_mnist on each node, in the Python that runs Ray"


def runtime_environment() -> dict[str, Any]:
    """Return a Ray runtime environment that sends the driver's tune_mnist package to workers.

    The environment is empty if the Ray job of this process already ships modules, because Ray does
    not merge two lists of modules.
    """
    return {} if job_ships_modules() else {"py_modules": [str(Path(tune_mnist.__file__).parent)]}


def check_packages() -> None:
    """Check that the workers on every node can import the packages that trials require.

    The package tune_mnist itself need not be installed on the nodes, because Ray ships it.

    Raises:
        UserError: A package is missing on a node, or the node does not answer. The message names
            the node, and the package.
    """
    notice("importing packages on the nodes")
    for node, task in [(node, submit(node, what_is_missing)) for node in alive_nodes()]:
        complaint = result_or_error(task)
        if complaint:
            advice = "" if complaint == NO_ANSWER else f"; {_INSTALL}"
            raise UserError(f"{node_name(node)} {complaint}{advice}")


def what_is_missing() -> str:
    """Return an error message if a package cannot be imported on this node, or an empty string."""
    for module in _RUN_BY_WORKERS:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return f"cannot run trials: {error}"
    return ""
