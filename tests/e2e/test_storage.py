"""Searches with checkpoints in a bucket: a kill, and a temporary loss of the bucket."""

import signal

import pytest

from tests.buckets import KEYS, held_port, s3_server
from tests.e2e.commands import run, start
from tests.messages import assert_named
from tests.waiting import PATIENCE, wait_until
from tests.weights import weights_of
from tune_mnist.tuning.recording.study import load_study
from tune_mnist.tuning.storage.bucket import Bucket

pytestmark = pytest.mark.e2e
# A LeNet that learns within two epochs.
QUICK = """
description: LeNet at rates that suit it
model: lenet
parameters:
  lr: {type: float, low: 0.003, high: 0.02, log: true}
  batch_size: {type: categorical, choices: [16]}
"""


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Return a function that starts a search with checkpoints in a storage."""
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "quick.yaml").write_text(QUICK)

    def begun(name, storage, *options):
        return start(
            *("search", "--space", str(tmp_path / "quick.yaml"), "--dataset", "digits"),
            *("--num-samples", "4", "--max-epochs", "3", *options),
            *("--output-dir", str(tmp_path), "--name", name, "--storage-path", storage),
        )

    return begun


def objects(storage, ending):
    return [key for key in Bucket(storage).objects() if key.endswith(ending)]


def wait_for(storage, process, ending):
    wait_until(lambda: objects(storage, ending), process)


@pytest.mark.slow
def test_a_killed_population_is_resumed_from_its_bucket(search, tmp_path):
    directory = tmp_path / "killed"
    options = ("--scheduler", "pbt", "--final-seeds", "1", "--final-epochs", "1")
    with s3_server() as access:
        storage = f"s3://bucket/searches?{access}"
        process = search("killed", storage, *options)
        wait_for(storage, process, "/whole")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        result = run("search", "--resume", str(directory))
        assert result.returncode == 0, result.stderr
        assert objects(storage, ".pt") == []
    trials = load_study(directory).trials
    assert [list(trial.intermediate_values) for trial in trials] == [[1, 2, 3]] * 4
    assert any("takeovers" in trial.user_attrs for trial in trials)
    assert weights_of(directory / "best" / "lenet")
    assert (directory / "final" / "lenet" / "model.pt").exists()
    assert not (directory / "checkpoints").exists()


@pytest.mark.slow
def test_a_search_that_loses_its_bucket_ends_in_one_line_and_can_be_resumed(search, tmp_path):
    directory = tmp_path / "lost"
    with held_port() as port:
        with s3_server(port) as access:
            storage = f"s3://bucket/lost?{access}"
            process = search("lost", storage, "--final-seeds", "0")
            wait_for(storage, process, "/whole")
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 2
        assert_named(["--storage-path s3://bucket/lost", f"--resume {directory}"], err)

        with s3_server(port):
            result = run("search", "--resume", str(directory))
            assert result.returncode == 0, result.stderr
            assert objects(storage, ".pt") == []
    assert all(trial.state.is_finished() for trial in load_study(directory).trials)
