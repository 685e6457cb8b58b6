"""Helpers of the benchmarks that run searches."""

import sys

import pandas as pd
import pytest

from benchmarks.searching import ROOT, Rows, run_logged
from tests.messages import assert_named


def test_an_interrupted_benchmark_keeps_its_rows(tmp_path):
    path = tmp_path / "epochs.csv"
    rows = Rows(path, ["seed"], dtype={"trial": str})
    assert list(rows.frame["seed"]) == []
    rows.add(pd.DataFrame({"trial": ["007"], "seed": [3], "val_accuracy": [0.5]}))
    rows.add(pd.DataFrame({"trial": ["8"], "seed": [4], "val_accuracy": [0.25]}))
    again = Rows(path, ["seed"], dtype={"trial": str})
    pd.testing.assert_frame_equal(again.frame, rows.frame)
    assert list(again.frame["trial"]) == ["007", "8"]
    assert list(again.frame.columns) == ["trial", "seed", "val_accuracy"]


def test_a_command_runs_in_the_project_folder_and_its_output_is_logged(tmp_path):
    log = tmp_path / "one.log"
    code = "import os, sys, benchmarks; print(os.getcwd()); print('oh', file=sys.stderr)"
    assert run_logged([sys.executable, "-c", code], log, "one") > 0
    assert set(log.read_text().splitlines()) == {str(ROOT), "oh"}
    assert (ROOT / "pyproject.toml").exists()


def test_a_command_that_fails_ends_the_benchmark_and_names_its_log(tmp_path):
    log = tmp_path / "one.log"
    with pytest.raises(SystemExit) as caught:
        run_logged([sys.executable, "-c", "raise SystemExit(3)"], log, "one")
    assert_named(["error:", "one", "3", str(log)], str(caught.value))
