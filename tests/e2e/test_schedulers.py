"""Searches with other schedulers, several objectives and a warm start."""

import json
import shutil

import pandas as pd
import pytest
import torch

from tests.e2e.commands import kill_at, run, start
from tests.weights import weights_of
from tune_mnist.tuning.recording.study import load_study

pytestmark = pytest.mark.e2e
DIGITS = ("--dataset", "digits", "--max-epochs", "9", "--final-seeds", "0")


def search(output, name, *arguments):
    result = run("search", *DIGITS, "--output-dir", str(output), "--name", name, *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout, pd.read_csv(output / name / "trials.csv")


def workers(directory):
    """Return the IDs of the processes that have trained the trials of a search."""
    lines = [line for path in directory.glob("ray/*/result.json") for line in path.open()]
    return {json.loads(line)["pid"] for line in lines}


def seven_trials(output, scheduler):
    _, trials = search(output, scheduler, "--scheduler", scheduler, "--num-samples", "7")
    return trials


@pytest.fixture(scope="module")
def stopping(tmp_path_factory):
    """Folder and trials of a search with stopping ASHA, which other tests use for a warm start."""
    output = tmp_path_factory.mktemp("earlier")
    trials = seven_trials(output, "asha-stopping")
    return output / "asha-stopping", trials


@pytest.mark.parametrize(
    "scheduler",
    [
        "asha-stopping",
        pytest.param("hyperband", marks=pytest.mark.slow),
        pytest.param("median", marks=pytest.mark.slow),
        pytest.param("pbt", marks=pytest.mark.slow),
    ],
)
def test_every_scheduler_ends_each_trial(tmp_path, request, scheduler):
    if scheduler == "asha-stopping":
        _, trials = request.getfixturevalue("stopping")
    else:
        trials = seven_trials(tmp_path, scheduler)
    assert list(trials["trial"]) == list(range(7))
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert "COMPLETE" in set(trials["state"])
    assert (trials["epochs"][trials["state"] == "COMPLETE"] == 9).all()


@pytest.mark.slow
def test_two_objectives_give_a_pareto_set(tmp_path):
    out, trials = search(
        tmp_path,
        "two",
        *("--objective", "val_accuracy,train_seconds", "--num-samples", "3"),
        *("--max-concurrent", "1"),
    )
    assert "Pareto set of val_accuracy and train_seconds" in out
    assert set(trials["state"]) == {"COMPLETE"}
    values = [trial.values for trial in load_study(tmp_path / "two").trials]
    assert values == [list(pair) for pair in trials[["val_accuracy", "train_seconds"]].to_numpy()]


def test_a_warm_start_imports_the_trials_of_an_earlier_search(tmp_path, stopping):
    folder, earlier = stopping
    options = ("--num-samples", "2", "--max-concurrent", "1", "--warm-start", str(folder))
    _, trials = search(tmp_path, "next", *options)
    assert not set(trials["lr"]) & set(earlier["lr"])  # imported trials are not run again
    assert "7 trials of" in (tmp_path / "next" / "summary.md").read_text()
    assert len(trials) == 2
    assert len(load_study(tmp_path / "next").trials) == 7 + 2


@pytest.mark.parametrize(
    ("scheduler", "lines"), [("asha", 45), pytest.param("pbt", 90, marks=pytest.mark.slow)]
)
def test_a_killed_search_gives_the_same_weights_as_an_undisturbed_one(tmp_path, scheduler, lines):
    options = ("--num-samples", "4", "--max-concurrent", "1", "--precision", "fp32")
    options += ("--scheduler", scheduler)
    search(tmp_path, "alone", *options)
    assert len(workers(tmp_path / "alone")) == 1  # workers are reused
    arguments = (*DIGITS, *options, "--output-dir", str(tmp_path), "--name", "killed")
    kill_at(start("search", *arguments), tmp_path / "killed", lines=lines, seconds=0.1)
    if scheduler == "asha":
        # A promoted trial without a checkpoint is trained again, to the same weights.
        for checkpoints in (tmp_path / "killed" / "checkpoints").glob("[0-9]*"):
            shutil.rmtree(checkpoints)
    if scheduler == "pbt":
        refused = run("search", "--resume", str(tmp_path / "killed"), "--num-samples", "9")
        assert "the population of --scheduler pbt has 4 trials" in refused.stderr
    result = run("search", "--resume", str(tmp_path / "killed"))
    assert result.returncode == 0, result.stderr
    assert (
        "Last result" not in result.stdout
    )  # Ray prints this for a trial that ends while it is paused

    alone, killed = (load_study(tmp_path / name).trials for name in ("alone", "killed"))
    for one, other in zip(alone, killed, strict=True):
        assert (one.params, one.state) == (other.params, other.state)
        assert one.user_attrs.get("takeovers") == other.user_attrs.get("takeovers")
        assert one.intermediate_values == other.intermediate_values
    assert (scheduler == "pbt") == any("takeovers" in trial.user_attrs for trial in alone)
    weights = [weights_of(tmp_path / name / "best" / "lenet") for name in ("alone", "killed")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
