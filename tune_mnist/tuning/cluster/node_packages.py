"""Has each node of a cluster the packages that trials need? tune_mnist itself is sent to them."""

import importlib

from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.node_tasks import alive_nodes, node_name, result_or_error, submit

# With all that they import, it is what workers run.
_RUN_BY_WORKERS = (
    "tune_mnist.tuning.trials.trainable",
    "tune_mnist.tuning.final.final_training",
    "sklearn.metrics",  # imported late, to judge what a final run has classified
)


def check_packages() -> None:
    """See that a worker of each node can import all that it will run.

    Raises:
        UserError: one cannot; names node and package.
    """
    for node, asked in [(node, submit(node, what_is_missing)) for node in alive_nodes()]:
        complaint = result_or_error(asked)
        if complaint:
            raise UserError(
                f"{node_name(node)} {complaint}: each node needs the packages that tune_mnist"
                " needs, in the Python that runs Ray there"
            )


def what_is_missing() -> str:
    """Return why this machine cannot run trials, or an empty text."""
    for module in _RUN_BY_WORKERS:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return f"cannot run trials: {error}"
    return ""
