"""What shows a search while it runs, beside the terminal: docs/monitoring.md."""

from ray.tune import Callback
from rich.console import Console

from tune_mnist.tuning.recording.ledger import Ledger
from tune_mnist.tuning.setup import Setup
from tune_mnist.tuning.watching.live_metrics import LiveMetrics
from tune_mnist.tuning.watching.mlflow_log import MLflowLog
from tune_mnist.tuning.watching.named_tasks import NamedTasks


def watchers(setup: Setup, ledger: Ledger, console: Console) -> list[Callback]:
    """Return the callbacks that show the trials to Ray's dashboard, Prometheus and the like.

    Args:
        setup: of the search.
        ledger: the record of each trial.
        console: where the user sees them go.
    """
    made: list[Callback] = [NamedTasks(), LiveMetrics(setup.directory.name, ledger)]
    if setup.options.tensorboard:
        # TensorBoard's own modules are imported where they are asked for.
        from tune_mnist.tuning.watching.tensorboard_log import TENSORBOARD_FOLDER, TensorBoardLog

        made.append(TensorBoardLog(setup.directory / TENSORBOARD_FOLDER, ledger, console))
    if setup.mlflow is not None:
        made.append(MLflowLog(setup.mlflow, setup.directory, ledger, console))
    return made
