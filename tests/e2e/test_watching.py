"""Ray's dashboard in a browser and the metrics of a running search."""

import re
import secrets
import signal
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from prometheus_client.parser import text_string_to_metric_families

from tests import browsers
from tests.e2e.commands import start
from tests.waiting import PATIENCE, Output, eventually, wait_until

pytestmark = pytest.mark.e2e
EPOCH = re.compile(r"(#\d+) epoch (\d+)/\d+ val_accuracy ([\d.]+) \((.*)\)")


@dataclass
class Watched:
    """A running search.

    Attributes:
        url: URL of the dashboard.
        token: Token that the dashboard requires.
        names: Names of the trials that have trained two epochs before the tests start.
    """

    url: str
    token: str
    names: list[str]

    def ask(self, path: str, **params: str) -> requests.Response:
        answer = requests.get(
            self.url + path,
            params=params,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return answer


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[Watched]:
    token = secrets.token_hex(32)
    process = start(
        *("search", "--dashboard"),
        *("--dataset", "digits", "--num-samples", "2", "--max-epochs", "100000"),
        *("--scheduler", "none", "--final-seeds", "0", "--max-concurrent", "2"),
        *("--cpus-per-trial", "0.5"),
        *("--output-dir", str(tmp_path_factory.mktemp("results")), "--name", "watched"),
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN=token,
        RAY_metrics_report_interval_ms="1000",
    )
    output = Output(process)

    def names() -> list[str]:
        assert process.poll() is None, process.stderr.read()
        epochs = EPOCH.finditer(output.text)
        found = {f"{match[1]} {match[4]}" for match in epochs if match[2] == "2"}
        return sorted(found) if len(found) == 2 else []

    try:
        running = wait_until(names)
        yield Watched(re.search(r"http://[\d.:]+", output.text)[0], token, running)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def page(watched) -> Iterator[Page]:
    """Page of a browser that has entered the token."""
    with browsers.browser() as browser:
        page = browsers.open_page(browser, {"width": 1400, "height": 1000})
        page.goto(f"{watched.url}/#/jobs")
        page.locator("input[type=password]").fill(watched.token)
        page.get_by_role("button", name="Submit").click()
        page.get_by_role("link", name="01000000").click()
        yield page


def test_the_dashboard_shows_the_running_trials_by_name(watched, page):
    page.get_by_text("Task Table").click()
    page.get_by_label("State").fill("RUNNING")
    for name in watched.names:
        expect(page.get_by_text(name).first).to_be_visible()


def test_the_dashboard_finds_the_lines_of_an_epoch_in_a_workers_log(watched):
    """Read the log from its file, as only one of several Rays on a machine serves its logs."""

    def logged(name):
        answer = watched.ask(
            "/api/v0/tasks",
            detail="1",
            filter_keys="name",
            filter_predicates="=",
            filter_values=name,
        )
        tasks = answer.json()["data"]["result"]["result"]
        logs = [task["task_log_info"] for task in tasks if task["state"] == "FINISHED"]
        found = [log for log in logs if log and log.get("stdout_end", 0) > log["stdout_start"]]
        assert found
        return found

    for name in watched.names:
        for log in eventually(lambda name=name: logged(name), requests.RequestException):
            with Path(log["stdout_file"]).open("rb") as file:
                file.seek(log["stdout_start"])
                text = file.read(log["stdout_end"] - log["stdout_start"]).decode()
            assert f"{name}: epoch " in text
            assert {line.split(": ")[0] for line in text.splitlines()} == {name}


def metrics_of(target: str) -> str:
    """Return the metrics of a target, none if it does not answer.

    Ray also lists its autoscaler, on a fixed port: with several Rays on a machine, this port is
    another Ray's, and after the end of that Ray nobody's.
    """
    try:
        return requests.get(f"http://{target}/metrics", timeout=PATIENCE).text
    except requests.ConnectionError:
        return ""


def test_the_metrics_of_every_running_trial_can_be_scraped(watched):
    def samples_by_name():
        nodes = watched.ask("/api/prometheus/sd").json()
        text = "".join(metrics_of(target) for node in nodes for target in node["targets"])
        by_name = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.labels.get("search") == "watched":
                    by_name[sample.name].append(sample)
        return by_name

    def scraped():
        by_name = samples_by_name()
        for metric in ("val_accuracy", "epoch", "images_per_second"):
            of_trials = by_name[f"ray_tune_mnist_trial_{metric}"]
            assert sorted(sample.labels["trial"] for sample in of_trials) == watched.names
            assert all(sample.value > 0 for sample in of_trials)
        states = {s.labels["state"]: s.value for s in by_name["ray_tune_mnist_trials"]}
        assert states["RUNNING"] == 2
        assert sum(states.values()) == 2
        (best,) = by_name["ray_tune_mnist_best_val_accuracy"]
        assert best.value >= max(s.value for s in by_name["ray_tune_mnist_trial_val_accuracy"])

    # Ray's agent starts late, and receives the metrics of an epoch one after the other.
    eventually(scraped, requests.RequestException)
