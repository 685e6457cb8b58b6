"""Searches with other schedulers and with several objectives."""

import pandas as pd
import pytest

from tests.e2e.commands import run
from tune_mnist.tuning.recording.study import load_study

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
DIGITS = ("--dataset", "digits", "--max-epochs", "9", "--final-seeds", "0")


def search(output, name, *arguments):
    result = run("search", *DIGITS, "--output-dir", str(output), "--name", name, *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout, pd.read_csv(output / name / "trials.csv")


@pytest.mark.parametrize("scheduler", ["asha-stopping", "hyperband", "median", "pbt"])
def test_every_scheduler_ends_each_trial(tmp_path, scheduler):
    _, trials = search(tmp_path, scheduler, "--scheduler", scheduler, "--num-samples", "7")
    assert list(trials["trial"]) == list(range(7))
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert "COMPLETE" in set(trials["state"])
    assert (trials["epochs"][trials["state"] == "COMPLETE"] == 9).all()


def test_two_objectives_give_a_pareto_set(tmp_path):
    out, trials = search(
        tmp_path,
        "two",
        *("--objective", "val_accuracy,train_seconds", "--num-samples", "3"),
        *("--max-concurrent", "1"),
    )
    assert "Pareto" in out
    assert set(trials["state"]) == {"COMPLETE"}
    values = [trial.values for trial in load_study(tmp_path / "two").trials]
    assert values == [list(pair) for pair in trials[["val_accuracy", "train_seconds"]].to_numpy()]
