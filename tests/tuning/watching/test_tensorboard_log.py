"""Content of event files, as TensorBoard reads it."""

import io
import os
from contextlib import suppress

import psutil
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from tests.messages import assert_named
from tests.tuning.example_trial import Search
from tune_mnist.tuning.watching.tensorboard_log import TensorBoardLog


@pytest.fixture
def search():
    return Search(max_epochs=3)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=1000)


@pytest.fixture
def log(search, tmp_path, console):
    return TensorBoardLog(tmp_path, search.trial_store, console)


def read(folder):
    (run,) = folder.iterdir()
    events = EventAccumulator(str(run))
    events.Reload()
    return events


def curve(folder, tag="val_accuracy"):
    """Return the values of a metric, by step."""
    return [(event.step, round(event.value, 3)) for event in read(folder).Scalars(tag)]


def test_a_trial_is_a_folder_with_its_curves(search, log, tmp_path):
    trial = search.trial(0)
    for epoch in (1, 2, 3):
        search.report(log, trial, epoch, epoch / 10)
    log.on_step_end(1, [])
    assert [run.name for run in tmp_path.iterdir()] == [f"0-lenet-lr={trial.config['lr']:.2g}"]
    assert curve(tmp_path) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert curve(tmp_path, "train_loss") == [(1, 1.0), (2, 1.0), (3, 1.0)]


def test_hyperparameters_are_written_with_the_best_accuracy(search, log, tmp_path):
    trial = search.trial(0)
    for epoch, accuracy in ((1, 0.5), (2, 0.9), (3, 0.7)):
        search.report(log, trial, epoch, accuracy)
    search.end(log, trial)
    assert curve(tmp_path, "best/val_accuracy") == [(4, 0.9)]
    plugin = read(tmp_path).summary_metadata["_hparams_/session_start_info"].plugin_data
    hyperparameters = HParamsPluginData.FromString(plugin.content).session_start_info.hparams
    assert hyperparameters["lr"].number_value == trial.config["lr"]
    assert hyperparameters["model"].string_value == "lenet"


def test_a_resumed_search_repeats_no_epoch(search, log, tmp_path, console):
    trial = search.trial(0)
    search.report(log, trial, 1, 0.1)
    search.report(log, trial, 2, 0.2)
    log.on_step_end(1, [])

    search.go_on()
    log = TensorBoardLog(tmp_path, search.trial_store, console)
    trial = search.trial(0)
    search.report(log, trial, 2, 0.2)  # a resumed trial repeats the epoch of its checkpoint
    search.report(log, trial, 3, 0.3)
    search.end(log, trial)
    assert curve(tmp_path) == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_a_repeated_epoch_is_written_once(search, log, tmp_path):
    trial = search.trial(0)
    for epoch, accuracy in ((1, 0.1), (2, 0.2), (1, 0.6), (2, 0.7), (3, 0.3)):
        search.report(log, trial, epoch, accuracy)
    log.on_experiment_end([])
    assert curve(tmp_path) == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_a_paused_trial_has_no_open_file(search, log, tmp_path):
    trial = search.trial(0)
    search.report(log, trial, 1, 0.1)
    log.on_trial_save(trial=trial)
    assert not [file for file in psutil.Process().open_files() if str(tmp_path) in file.path]
    search.report(log, trial, 2, 0.2)
    log.on_experiment_end([])
    assert curve(tmp_path) == [(1, 0.1), (2, 0.2)]


def run_on_a_full_disk(search, folder, console):
    """Run two trials, one to its end, on a disk that is full after the first epoch."""
    log = TensorBoardLog(folder / "tensorboard", search.trial_store, console)
    trial, other = search.trial(0), search.trial(1)
    search.report(log, trial, 1, 0.1)
    log.on_step_end(1, [])
    with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        ballast.write(bytes(os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize))
    for epoch in (2, 3):
        search.report(log, trial, epoch, epoch / 10)
        search.report(log, other, epoch, epoch / 10)
    search.end(log, trial)
    log.on_trial_error(trial=other)
    log.on_experiment_end([])


def test_a_full_disk_is_reported_once_and_ends_no_trial(search, small_disk, console):
    run_on_a_full_disk(search, small_disk, console)
    (line,) = console.file.getvalue().splitlines()
    assert_named([f"{small_disk}/tensorboard", "No space left on device"], line)
    assert not [file for file in psutil.Process().open_files() if str(small_disk) in file.path]


def test_a_missing_folder_is_reported_once_and_ends_no_trial(search, tmp_path, console):
    (tmp_path / "file").touch()
    log = TensorBoardLog(tmp_path / "file", search.trial_store, console)
    trial = search.trial(0)
    for epoch in (1, 2, 3):
        search.report(log, trial, epoch, 0.5)
    search.end(log, trial)
    (line,) = console.file.getvalue().splitlines()
    assert_named([str(tmp_path / "file")], line)
