"""Selection of the callbacks that export the progress of a search to monitoring tools."""

from ray.tune import Callback
from rich.console import Console

from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.ray_internals.task_names import NamedTasks
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.watching.live_metrics import LiveMetrics
from tune_mnist.tuning.watching.mlflow_log import MLflowLog


def watchers(context: SearchContext, trial_store: TrialStore, console: Console) -> list[Callback]:
    """Return the callbacks for Ray's dashboard, Prometheus, TensorBoard and MLflow.

    Args:
        context: Context of the search.
        trial_store: Store of the trial records.
        console: Console for error messages of the callbacks.
    """
    callbacks: list[Callback] = [NamedTasks(), LiveMetrics(context.directory.name, trial_store)]
    if context.options.tensorboard:
        # Imported here because TensorBoard is optional.
        from tune_mnist.tuning.watching.tensorboard_log import TENSORBOARD_FOLDER, TensorBoardLog

        folder = context.directory / TENSORBOARD_FOLDER
        callbacks.append(TensorBoardLog(folder, trial_store, console))
    if context.mlflow is not None:
        callbacks.append(MLflowLog(context.mlflow, context.directory, trial_store, console))
    return callbacks
