"""The trials as runs of an MLflow experiment."""

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from rich.console import Console

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
_KEPT = (METRIC, *LAST_METRICS)
_STATUS = {TrialState.FAILED: "FAILED", TrialState.DIVERGED: "FAILED"}


class MLflowLog(Callback):
    """Tells MLflow of each epoch and end, from a thread: the search never waits for a server.

    If that fails once, a line says so, and the search goes on without it.

    Args:
        client: of the tracking server.
        directory: of the search: its name is the experiment's, and runs that an earlier run of
            the search has left there are gone on with.
        trial_store: the record of each trial.
        console: where a failure is told.
    """

    def __init__(
        self, client: "MlflowClient", directory: Path, trial_store: TrialStore, console: Console
    ) -> None:
        self._client = client
        self._name = directory.name
        self._folder = str(directory.absolute())
        self._ledger = trial_store
        self._console = console
        self._thread = ThreadPoolExecutor(1, "mlflow")
        self._failed = False
        self._runs: dict[int, str] = {}
        self._epochs: dict[int, int] = {}
        self._begun_before = {
            record.number for record in trial_store.records if not record.state.ended
        }
        ended = {
            record.number: record.state for record in trial_store.records if record.state.ended
        }
        if ended:
            self._later(self._end_left_running, ended)

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; a thread stays behind.
        return {}

    def on_trial_start(self, trial: Trial, **info: Any) -> None:
        """Begin the trial's run, or find it again."""
        self._later(self._begin, dict(trial.config))

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Log an epoch."""
        if METRIC in result:
            metrics = {key: float(result[key]) for key in (*_KEPT, TIME_ATTR)}
            self._later(self._log, trial.config[NUMBER], metrics)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """End the trial's run."""
        number = trial.config[NUMBER]
        self._later(self._end, number, self._ledger.record(number).state)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """End the run of a trial that has failed."""
        self._later(self._end, trial.config[NUMBER], TrialState.FAILED)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Wait for what is still to be told, and end the runs of what was cut off."""
        self._later(self._end_all)
        self._thread.shutdown()

    def _later(self, call: Any, *given: Any) -> None:
        if not self._failed:
            self._thread.submit(call, *given).add_done_callback(self._notice)

    def _notice(self, done: "Future[None]") -> None:
        error = done.exception()
        if error is not None and not self._failed:
            self._failed = True
            self._console.print(
                f"MLflow: {first_line(error)}: the search goes on without it",
                markup=False,
                soft_wrap=True,
            )

    @cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._name)
        return str(found.experiment_id if found else self._client.create_experiment(self._name))

    def _begin(self, config: dict[str, Any]) -> None:
        number = config.pop(NUMBER)
        if self._failed or number in self._runs:
            return
        found = self._find(number) if number in self._begun_before else None
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
        # Compared here, as a path may hold what MLflow's filters take for their own.
        ours = [run for run in runs if run.data.tags.get(FOLDER_TAG) == self._folder]
        return ours[0] if ours else None

    def _log(self, number: int, metrics: dict[str, float]) -> None:
        epoch = int(metrics[TIME_ATTR])
        if self._failed or epoch <= self._epochs.get(number, 0):
            return
        from mlflow.entities import Metric

        self._epochs[number] = epoch
        now = round(1000 * time.time())
        told = [
            Metric(key, value, now, epoch)
            for key, value in metrics.items()
            if math.isfinite(value)
        ]
        self._client.log_batch(self._runs[number], metrics=told)

    def _end(self, number: int, state: TrialState) -> None:
        run = self._runs.pop(number, None)
        if self._failed or run is None:
            return
        self._client.set_tag(run, STATE_TAG, state.value)
        status = "KILLED" if state is TrialState.INTERRUPTED else _STATUS.get(state, "FINISHED")
        self._client.set_terminated(run, status)

    def _end_left_running(self, ended: dict[int, TrialState]) -> None:
        """End the runs of trials of whose end a driver that was killed could not tell."""
        runs = self._client.search_runs([self._experiment], "attributes.status = 'RUNNING'")
        for run in runs:
            number = int(run.data.tags.get(NUMBER_TAG, -1))
            if number in ended and run.data.tags.get(FOLDER_TAG) == self._folder:
                self._runs[number] = run.info.run_id
                self._end(number, ended[number])

    def _end_all(self) -> None:
        for number in list(self._runs):
            state = self._ledger.record(number).state
            # Ray ends some trials without a word to callbacks: LostTrials notes it.
            self._end(number, state if state.ended else TrialState.INTERRUPTED)
