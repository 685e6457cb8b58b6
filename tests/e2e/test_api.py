"""Searches from Python: results, a running Ray, interrupts, and the loss of the head."""

import signal
import subprocess
import sys

import pytest
import ray
import yaml

from tests.e2e.commands import PATIENCE, in_this_process
from tests.messages import assert_named, assert_refused
from tune_mnist import load_results, run_search
from tune_mnist.report import report
from tune_mnist.search import search
from tune_mnist.tuning.spaces.space import shipped_spaces

pytestmark = pytest.mark.e2e
OPTIONS = {
    "dataset": "digits",
    "num_samples": 4,
    "max_epochs": 2,
    "max_concurrent": 1,  # the order of concurrent trials varies
    "final_seeds": 0,
    "seed": 5,
}
TOLD = ("state", "epochs", "val_accuracy", "lr", "batch_size", "dropout", "optimizer")


@pytest.fixture(scope="module")
def by_command(tmp_path_factory, small_ray):
    output = tmp_path_factory.mktemp("command")
    options = [f"--{key.replace('_', '-')}={value}" for key, value in OPTIONS.items()]
    in_this_process(search, *options, "--output-dir", str(output), "--name", "it")
    return load_results(output / "it")


@pytest.fixture(scope="module")
def in_running_ray(tmp_path_factory, small_ray):
    """Search over a space given as a dict, in a Ray that was started before."""
    space = yaml.safe_load((shipped_spaces() / "lenet.yaml").read_text())
    other = tmp_path_factory.mktemp("other")
    results = run_search(space, output_dir=tmp_path_factory.mktemp("api"), name="it", **OPTIONS)
    assert ray.is_initialized()
    assert ray.get(ray.remote(lambda: "it works as before").remote()) == "it works as before"
    address = {"address": "127.0.0.1:1", "output_dir": other}
    assert_refused("--address 127.0.0.1:1", run_search, **address)
    cpus = {"dataset": "digits", "cpus_per_trial": 512, "output_dir": other}
    assert_refused("--cpus-per-trial 512", run_search, **cpus)
    assert list(other.iterdir()) == []
    return results


def test_the_api_runs_the_same_trials_as_the_command(by_command, in_running_ray):
    ours, theirs = in_running_ray.trials, by_command.trials
    assert len(ours) == 4
    for column in TOLD:
        assert ours[column].equals(theirs[column]), column
    assert in_running_ray.best["lenet"].config == by_command.best["lenet"].config


def test_the_api_writes_the_same_folder_as_the_command(in_running_ray):
    directory = in_running_ray.directory
    assert "run_search(space={" in (directory / "summary.md").read_text()
    assert (directory / "report.html").exists()
    in_this_process(report, str(directory))
    assert in_running_ray.load_model("lenet") is not None


# Without `if __name__ == "__main__"`, as in most scripts of users.
INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
import ray
from tune_mnist import load_results, run_search

folder = Path(sys.argv[1]) / "cut"

def ray_of_the_program():
    with ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False):
        assert ray.get(ray.remote(lambda: 1).remote()) == 1

def interrupt():
    while not ((folder / "trials.csv").exists()
               and "PRUNED" in set(load_results(folder).trials["state"])):
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)

ray_of_the_program()
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), dict(os.environ)
threading.Thread(target=interrupt, daemon=True).start()
try:
    # Stopping ASHA ends the first trial soon, promotion keeps most of 400 trials paused.
    run_search(dataset="digits", num_samples=400, max_epochs=9, scheduler="asha-stopping",
               final_seeds=0, dashboard=False, output_dir=folder.parent, name="cut")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM),
                  dict(os.environ))
from ray.tune import tune
assert tune.TuneController.__module__.startswith("ray.")  # Tune's own is back
cut = load_results(folder)
assert {"PRUNED", "INTERRUPTED"} <= set(cut.trials["state"])
with ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False):
    resumed = run_search(resume=folder, num_samples=len(cut.trials))
    assert ray.get(ray.remote(lambda: "it works as before").remote()) == "it works as before"
assert len(resumed.trials) == len(cut.trials)
assert set(resumed.trials["state"]) <= {"COMPLETE", "PRUNED"}
ray_of_the_program()
print("resumed")
"""


def test_an_interrupt_is_raised_after_the_results_are_written_and_leaves_no_ray(tmp_path):
    """The program starts a Ray of its own before the searches, for the resume and at the end."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", INTERRUPTED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert result.returncode == 0, result.stderr
    assert "KeyboardInterrupt" in result.stdout
    assert "resumed" in result.stdout


HEADLESS = """
import sys, threading, time
from pathlib import Path
import psutil
from tune_mnist import UserError, run_search

journal = Path(sys.argv[1]) / "lost" / "study.journal"

def kill_the_head():
    while not journal.exists() or journal.read_text().count("\\n") < 40:
        time.sleep(0.2)
    for process in psutil.Process().children(recursive=True):
        if "gcs_server" in process.name():
            process.kill()

threading.Thread(target=kill_the_head, daemon=True).start()
try:
    run_search(dataset="digits", num_samples=400, max_epochs=30, final_seeds=0,
               output_dir=sys.argv[1], name="lost")
except UserError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_dead_head_raises_an_error_and_the_calling_program_continues(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", HEADLESS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert result.returncode == 0, result.stderr
    last = result.stdout.strip().splitlines()[-1]
    assert_named(["gcs_server", str(tmp_path / "lost")], last)
