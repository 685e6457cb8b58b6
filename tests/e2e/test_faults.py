"""Searches on a machine without disk space or memory."""

import os
import re
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest

from tests.e2e.commands import in_this_process, journal_lines, run
from tests.messages import assert_named, assert_refused
from tests.waiting import wait_until
from tune_mnist.search import search
from tune_mnist.tuning.recording.study import load_study

pytestmark = pytest.mark.e2e
DIGITS = ("--dataset", "digits", "--num-samples", "5", "--max-epochs", "9", "--final-seeds", "0")


def fill(disk: Path, directory: Path) -> None:
    """Fill a disk in the middle of a search."""
    wait_until(lambda: journal_lines(directory) >= 50, every=0.02)
    free = os.statvfs(disk)
    # The search writes at the same time, and may fill the disk first.
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        ballast.write(bytes(free.f_bavail * free.f_frsize))


def test_a_full_disk_stops_the_search_and_loses_nothing(small_disk, small_ray):
    directory = small_disk / "full"
    place = ("--output-dir", str(small_disk), "--name", "full")
    filling = Thread(target=fill, args=(small_disk, directory), daemon=True)
    filling.start()
    facts = ["No space left on device", f"--resume {directory}"]
    assert_refused(facts, in_this_process, search, *DIGITS, "--tensorboard", *place)
    filling.join()
    ended = [trial for trial in load_study(directory).trials if trial.state.is_finished()]
    assert pd.read_csv(directory / "trials.csv") is not None

    (small_disk / "ballast").unlink()
    in_this_process(search, "--resume", str(directory))
    trials = load_study(directory).trials
    assert len(trials) == 5
    assert all(trial.state.is_finished() for trial in trials)
    assert [trials[trial.number] for trial in ended] == ended


def test_trials_killed_for_memory_fail_with_their_batch_size(tmp_path):
    result = run(
        "search",
        *("--dataset", "digits", "--num-samples", "2", "--max-epochs", "2"),
        *("--max-failures", "0", "--output-dir", str(tmp_path), "--name", "greedy"),
        RAY_memory_usage_threshold="0.0001",
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    trials = pd.read_csv(tmp_path / "greedy" / "trials.csv")
    assert list(trials["state"]) == ["FAILED", "FAILED"]
    sizes = [int(size) for size in trials["batch_size"]]
    for reason, size in zip(trials["reason"], sizes, strict=True):
        assert_named(f"memory batch_size {size}", reason)
    errors = re.findall(r"whole error in (.+?)\)", result.stdout)
    assert len(errors) == 2
    assert all(Path(path).is_file() for path in errors)
