"""Recording of trials as runs of an MLflow experiment."""

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.tune.experiment import Trial
from rich.console import Console

from tune_mnist.console import print_line
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_record import LAST_METRICS, TrialState
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR
from tune_mnist.tuning.watching.mlflow_client import first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient

NUMBER_TAG = "tune_mnist.number"
FOLDER_TAG = "tune_mnist.results"
STATE_TAG = "tune_mnist.state"
_LOGGED = (METRIC, *LAST_METRICS)
_STATUS = {TrialState.FAILED: "FAILED", TrialState.DIVERGED: "FAILED"}


class MLflowLog(StatelessCallback):
    """Callback that records each trial as a run of an MLflow experiment.

    A background thread sends all requests, so the search never waits for the server. After the
    first failed request, the search prints a message and continues without MLflow. In a resumed
    search, unfinished trials continue their MLflow runs.

    Args:
        client: Client of the MLflow server or database.
        directory: Results folder, whose name becomes the name of the experiment.
        trial_store: Store of the trial records.
        console: Console for the error message.
    """

    def __init__(
        self, client: "MlflowClient", directory: Path, trial_store: TrialStore, console: Console
    ) -> None:
        self._client = client
        self._name = directory.name
        self._folder = str(directory.absolute())
        self._trial_store = trial_store
        self._console = console
        self._thread = ThreadPoolExecutor(1, "mlflow")
        self._failed = False
        self._runs: dict[int, str] = {}
        self._epochs: dict[int, int] = {}
        self._unfinished = {
            record.number for record in trial_store.records if not record.state.ended
        }
        ended = {
            record.number: record.state for record in trial_store.records if record.state.ended
        }
        if ended:
            self._submit(self._end_left_running, ended)

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Start the MLflow run of a trial, or continue it."""
        self._submit(self._start, dict(trial.config))

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Log the metrics of an epoch."""
        if METRIC in result:
            metrics = {key: float(result[key]) for key in (*_LOGGED, TIME_ATTR)}
            self._submit(self._log, trial.config[NUMBER], metrics)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """End the MLflow run of a trial."""
        number = trial.config[NUMBER]
        self._submit(self._end, number, self._trial_store.record(number).state)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """End the MLflow run of a failed trial."""
        self._submit(self._end, trial.config[NUMBER], TrialState.FAILED)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """End the MLflow runs of unfinished trials. Ray calls this method at the end of a search.

        The method returns after all requests have been sent.
        """
        self._submit(self._end_all)
        self._thread.shutdown()

    def _submit(self, request: Any, *arguments: Any) -> None:
        if not self._failed:
            self._thread.submit(request, *arguments).add_done_callback(self._report_failure)

    def _report_failure(self, done: "Future[None]") -> None:
        error = done.exception()
        if error is not None and not self._failed:
            self._failed = True
            print_line(
                self._console,
                f"MLflow: {first_line(error)}: the search continues without MLflow",
            )

    @cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._name)
        return str(found.experiment_id if found else self._client.create_experiment(self._name))

    def _start(self, config: dict[str, Any]) -> None:
        number = config.pop(NUMBER)
        if self._failed or number in self._runs:
            return
        found = self._find(number) if number in self._unfinished else None
        if found is not None:
            self._runs[number] = found.info.run_id
            self._epochs[number] = int(found.data.metrics.get(TIME_ATTR, 0))
            self._client.update_run(found.info.run_id, status="RUNNING")
            return
        from mlflow.entities import Param

        name = label(config | {NUMBER: number})
        tags = {NUMBER_TAG: str(number), FOLDER_TAG: self._folder}
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        self._runs[number] = run.info.run_id
        params = [Param(key, str(value)) for key, value in config.items()]
        self._client.log_batch(run.info.run_id, params=params)

    def _find(self, number: int) -> Any:
        runs = self._client.search_runs([self._experiment], f"tags.`{NUMBER_TAG}` = '{number}'")
        # Not part of the filter: a path may contain special characters of MLflow's filters.
        ours = [run for run in runs if run.data.tags.get(FOLDER_TAG) == self._folder]
        return ours[0] if ours else None

    def _log(self, number: int, metrics: dict[str, float]) -> None:
        epoch = int(metrics[TIME_ATTR])
        if self._failed or epoch <= self._epochs.get(number, 0):
            return
        from mlflow.entities import Metric

        self._epochs[number] = epoch
        now = round(1000 * time.time())
        logged = [
            Metric(key, value, now, epoch)
            for key, value in metrics.items()
            if math.isfinite(value)
        ]
        self._client.log_batch(self._runs[number], metrics=logged)

    def _end(self, number: int, state: TrialState) -> None:
        run = self._runs.pop(number, None)
        if self._failed or run is None:
            return
        self._client.set_tag(run, STATE_TAG, state.value)
        status = "KILLED" if state is TrialState.INTERRUPTED else _STATUS.get(state, "FINISHED")
        self._client.set_terminated(run, status)

    def _end_left_running(self, ended: dict[int, TrialState]) -> None:
        """End the MLflow runs that a killed session left running although their trials ended."""
        runs = self._client.search_runs([self._experiment], "attributes.status = 'RUNNING'")
        for run in runs:
            number = int(run.data.tags.get(NUMBER_TAG, -1))
            if number in ended and run.data.tags.get(FOLDER_TAG) == self._folder:
                self._runs[number] = run.info.run_id
                self._end(number, ended[number])

    def _end_all(self) -> None:
        for number in list(self._runs):
            state = self._trial_store.record(number).state
            # Ray ends some trials without a callback; LostTrials records their state.
            self._end(number, state if state.ended else TrialState.INTERRUPTED)
