"""Searches that keep their checkpoints in a bucket: killed, and without it for a while."""

import time

import pytest
import torch

from tests.buckets import KEYS, s3_server
from tests.e2e.commands import kill_at, run, start
from tune_mnist.training import load_model_weights
from tune_mnist.tuning.bucket import Bucket
from tune_mnist.tuning.study import JOURNAL, load_study

pytestmark = pytest.mark.e2e
DIGITS = ("--dataset", "digits", "--num-samples", "4", "--max-epochs", "6")


def models_in(storage):
    return [key for key in Bucket(storage).objects() if key.endswith(".pt")]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)


def test_a_killed_population_goes_on_from_its_bucket(tmp_path):
    directory = tmp_path / "killed"
    place = ("--output-dir", str(tmp_path), "--name", "killed")
    options = ("--scheduler", "pbt", "--final-seeds", "1", "--final-epochs", "1")
    with s3_server() as access:
        storage = f"s3://bucket/searches?{access}"
        process = start("search", *DIGITS, *options, *place, "--storage-path", storage)
        kill_at(process, directory, lines=60, seconds=0.1)
        assert models_in(storage)
        elsewhere = run("search", "--resume", str(directory), "--storage-path", str(tmp_path))
        assert "the checkpoints of the search are in s3://bucket/searches" in elsewhere.stderr
        result = run("search", "--resume", str(directory))
        assert result.returncode == 0, result.stderr
        assert models_in(storage) == []
    trials = load_study(directory).trials
    assert [list(trial.intermediate_values) for trial in trials] == [[1, 2, 3, 4, 5, 6]] * 4
    assert any("takeovers" in trial.user_attrs for trial in trials)
    assert load_model_weights(directory / "best" / "lenet", torch.device("cpu"))
    assert (directory / "final" / "lenet" / "model.pt").exists()
    assert not (directory / "checkpoints").exists()


def test_a_search_that_loses_its_bucket_ends_in_a_line_and_goes_on_later(tmp_path):
    directory = tmp_path / "lost"
    place = ("--output-dir", str(tmp_path), "--name", "lost", "--final-seeds", "0")
    with s3_server() as access:
        storage = f"s3://bucket/lost?{access}"
        process = start("search", *DIGITS, *place, "--storage-path", storage)
        journal = directory / JOURNAL
        while not journal.exists() or journal.read_bytes().count(b"\n") < 40:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 2
    assert len(err.splitlines()) == 1
    assert "--storage-path s3://bucket/lost" in err
    assert f"once it can be reached, go on with --resume {directory}" in err

    with s3_server(int(access.partition("&")[0].rpartition(":")[2])):
        result = run("search", "--resume", str(directory))
        assert result.returncode == 0, result.stderr
        assert models_in(storage) == []
    assert all(trial.state.is_finished() for trial in load_study(directory).trials)
