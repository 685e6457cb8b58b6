"""What shows a search while it runs, beside the terminal: docs/how-to/monitoring.md."""

from ray.tune import Callback
from rich.console import Console

from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.watching.live_metrics import LiveMetrics
from tune_mnist.tuning.watching.mlflow_log import MLflowLog
from tune_mnist.tuning.watching.named_tasks import NamedTasks


def watchers(context: SearchContext, trial_store: TrialStore, console: Console) -> list[Callback]:
    """Return the callbacks that show the trials to Ray's dashboard, Prometheus and the like.

    Args:
        context: of the search.
        trial_store: the record of each trial.
        console: where the user sees them go.
    """
    made: list[Callback] = [NamedTasks(), LiveMetrics(context.directory.name, trial_store)]
    if context.options.tensorboard:
        # TensorBoard's own modules are imported where they are asked for.
        from tune_mnist.tuning.watching.tensorboard_log import TENSORBOARD_FOLDER, TensorBoardLog

        made.append(TensorBoardLog(context.directory / TENSORBOARD_FOLDER, trial_store, console))
    if context.mlflow is not None:
        made.append(MLflowLog(context.mlflow, context.directory, trial_store, console))
    return made
