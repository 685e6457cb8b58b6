"""What shows a search while it runs, beside the terminal: docs/monitoring.md."""

from ray.tune import Callback
from rich.console import Console

from tune_mnist.tuning.ledger import Ledger
from tune_mnist.tuning.live_metrics import LiveMetrics
from tune_mnist.tuning.mlflow_client import open_client
from tune_mnist.tuning.mlflow_log import MLflowLog
from tune_mnist.tuning.named_tasks import NamedTasks
from tune_mnist.tuning.setup import Setup
from tune_mnist.tuning.tensorboard_log import TENSORBOARD_FOLDER, TensorBoardLog


def watchers(setup: Setup, ledger: Ledger, console: Console) -> list[Callback]:
    """Return the callbacks that show the trials to Ray's dashboard, Prometheus and the like.

    Args:
        setup: of the search.
        ledger: the record of each trial.
        console: where the user sees them go.

    Raises:
        UserError: MLflow was asked for and cannot be had.
    """
    options, name = setup.options, setup.directory.name
    made: list[Callback] = [NamedTasks(), LiveMetrics(name, ledger)]
    if options.tensorboard:
        made.append(TensorBoardLog(setup.directory / TENSORBOARD_FOLDER, ledger, console))
    if options.mlflow is not None:
        client = open_client(options.mlflow, name)
        made.append(MLflowLog(client, setup.directory, ledger, console))
    return made
