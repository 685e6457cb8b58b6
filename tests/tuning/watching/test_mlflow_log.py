"""Content of an MLflow database after a search."""

import io
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from rich.console import Console

from tests.messages import assert_named, assert_refused, refusal
from tests.tuning.example_trial import Search
from tests.waiting import wait_until
from tune_mnist.tuning.watching.mlflow_client import open_client
from tune_mnist.tuning.watching.mlflow_log import MLflowLog

NAME = "tries"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


class Watched:
    """A search that is recorded in MLflow."""

    def __init__(self, client, directory):
        self.client, self.directory = client, Path(directory)
        self.search = Search(max_epochs=3)
        self.out = io.StringIO()
        self.go_on()

    def go_on(self):
        self.search.go_on()
        console = Console(file=self.out, width=1000)
        self.log = MLflowLog(self.client, self.directory, self.search.trial_store, console)

    def begin(self, number):
        trial = self.search.trial(number)
        self.log.on_trial_start(trial=trial)
        return trial

    def report(self, trial, epoch, accuracy):
        self.search.report(self.log, trial, epoch, accuracy)

    def end(self, trial):
        self.search.end(self.log, trial)

    def stop(self):
        self.log.on_experiment_end(trials=[])

    def runs(self):
        experiment = self.client.get_experiment_by_name(self.directory.name)
        return self.client.search_runs([experiment.experiment_id])

    def has_sent_epoch_3(self):
        experiment = self.client.get_experiment_by_name(self.directory.name)
        runs = self.runs() if experiment else []
        results = str(self.directory.absolute())
        return any(
            run.data.tags["tune_mnist.results"] == results and run.data.metrics.get("epoch") == 3
            for run in runs
        )

    def curve(self, run):
        history = self.client.get_metric_history(run.info.run_id, "val_accuracy")
        return [(metric.step, metric.value) for metric in history]


@pytest.fixture
def watched(uri, request):
    return Watched(open_client(uri, request.node.name), request.node.name)


def test_a_trial_is_a_run_with_params_and_metrics(watched):
    trial = watched.begin(0)
    for epoch in (1, 2, 3):
        watched.report(trial, epoch, epoch / 10)
    watched.end(trial)
    watched.stop()
    (run,) = watched.runs()
    assert run.info.run_name == f"#0 lenet lr={trial.config['lr']:.2g}"
    assert run.data.params == {"model": "lenet", "lr": str(trial.config["lr"])}
    assert watched.curve(run) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.info.status == "FINISHED"
    assert run.data.tags["tune_mnist.state"] == "COMPLETE"


def test_a_resumed_search_continues_its_runs(watched):
    trial = watched.begin(0)
    watched.report(trial, 1, 0.1)
    watched.report(trial, 2, 0.2)
    watched.stop()
    (run,) = watched.runs()
    assert run.info.status == "KILLED"

    watched.go_on()
    trial = watched.begin(0)
    watched.report(trial, 2, 0.2)
    watched.report(trial, 3, 0.3)
    watched.end(trial)
    watched.stop()
    (run,) = watched.runs()
    assert watched.curve(run) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.info.status == "FINISHED"


def test_another_search_of_the_same_name_has_its_own_runs(watched):
    other = Watched(watched.client, Path("elsewhere") / watched.directory)
    for search in (watched, other):
        search.report(search.begin(0), 1, 0.1)
        search.stop()
    watched.go_on()
    watched.report(watched.begin(0), 2, 0.2)
    watched.stop()
    curves = sorted(watched.curve(run) for run in watched.runs())
    assert curves == [[(1, 0.1)], [(1, 0.1), (2, 0.2)]]


def test_a_trial_that_fails_is_a_failed_run(watched):
    trial = watched.begin(0)
    watched.search.trial_store.fail(0, "no such luck")
    watched.log.on_trial_error(trial=trial)
    watched.stop()
    (run,) = watched.runs()
    assert run.info.status == "FAILED"


def test_a_run_of_a_lost_trial_ends_in_the_recorded_state(watched):
    watched.begin(0)
    watched.begin(1)
    watched.search.trial_store.fail(0, "its worker was not ready in time")
    watched.stop()
    states = {run.data.tags["tune_mnist.number"]: run for run in watched.runs()}
    assert states["0"].info.status == "FAILED"
    assert states["0"].data.tags["tune_mnist.state"] == "FAILED"
    assert states["1"].info.status == "KILLED"


def test_runs_left_running_by_a_killed_session_are_ended(watched):
    other = Watched(watched.client, Path("elsewhere") / watched.directory)
    for search in (watched, other):
        trial = search.begin(0)
        for epoch in (1, 2, 3):
            search.report(trial, epoch, epoch / 10)
        wait_until(search.has_sent_epoch_3)
        search.search.trial_store.end(0, {})
    watched.go_on()
    watched.stop()
    runs = {run.data.tags["tune_mnist.results"]: run for run in watched.runs()}
    ours, others = runs[str(watched.directory.absolute())], runs[str(other.directory.absolute())]
    assert (ours.info.status, ours.data.tags["tune_mnist.state"]) == ("FINISHED", "COMPLETE")
    assert others.info.status == "RUNNING"


def test_a_lost_server_is_reported_once(uri):
    open_client(uri, NAME)  # sets the timeouts of MLflow
    watched = Watched(MlflowClient(NOWHERE), NAME)
    trial = watched.begin(0)
    watched.report(trial, 1, 0.1)
    watched.end(trial)
    watched.stop()
    (line,) = watched.out.getvalue().splitlines()
    assert "MLflow" in line


@pytest.mark.parametrize(
    "bad", [NOWHERE, "nonsense://x", "sqlite:////proc/nowhere/mlflow.db", "http://["]
)
def test_an_unusable_uri_is_refused(bad):
    assert_refused(f"--mlflow {bad}", open_client, bad, NAME)


@pytest.mark.parametrize(
    "uri",
    [
        "https://me:hunter2@example.org",
        "https://hunter2@example.org",
        "postgresql://me:hunter2@host/db",
        "postgresql://host/db?user=me&password=hunter2",
        "mysql://host/db?passwd=hunter2",
        "https://example.org/?api_key=hunter2",
        "https://example.org/?Access_Token=hunter2",
    ],
)
def test_a_secret_in_the_uri_is_refused(uri):
    message = refusal(open_client, uri, NAME)
    assert_named("MLFLOW_TRACKING_PASSWORD", message)
    assert "hunter2" not in message


@pytest.mark.parametrize("uri", ["nonsense://me@host/db", "nonsense://host/db?passfile=/a"])
def test_user_and_password_file_of_a_database_are_allowed(uri):
    message = refusal(open_client, uri, NAME)
    assert_named(uri, message)
    assert "MLFLOW_TRACKING_PASSWORD" not in message


def test_a_missing_mlflow_is_reported_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert_refused("tune-mnist[mlflow]", open_client, NOWHERE, NAME)
