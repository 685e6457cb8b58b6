"""Reports of a trial on a Ray worker, including failures."""

import os
import resource
from collections import defaultdict
from dataclasses import replace

import psutil
import pytest
import ray
from ray import tune

from tests.messages import assert_named
from tests.tuning.settings import settings_in
from tune_mnist.training import Trainer
from tune_mnist.tuning.trials.reports import DISK_FULL, WARNING
from tune_mnist.tuning.trials.trainable import train_trial

pytestmark = pytest.mark.e2e
EPOCHS = 3
LENET = {"model": "lenet", "lr": 0.005, "batch_size": 32}
HEALTHY, DIVERGES, NEEDS_MEMORY, DAMAGED = range(4)
TRIALS = [
    {"number": HEALTHY, **LENET},
    {"number": DIVERGES, "model": "resnet", "lr": 1e30, "optimizer": "sgd", "batch_size": 32},
    {"number": NEEDS_MEMORY, "model": "vggnet", "lr": 0.1, "batch_size": 48},
    {"number": DAMAGED, **LENET},
]


def train_one(config, data, settings):
    trial = config["trial"]
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if trial["number"] == NEEDS_MEMORY:
        room = psutil.Process().memory_info().vms + 300_000_000
        resource.setrlimit(resource.RLIMIT_AS, (room, limits[1]))
    try:
        train_trial(trial, data, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


class Reports(tune.Callback):
    """Reports that the driver receives, by trial."""

    def __init__(self):
        self.heard = defaultdict(list)

    def on_trial_result(self, trial, result, **info):
        self.heard[trial.config["trial"]["number"]].append(result)


def train(trials, data, settings, folder):
    reports = Reports()
    results = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(train_one, data=data, settings=settings), {"cpu": 1}
        ),
        param_space={"trial": tune.grid_search(trials)},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="ray", storage_path=str(folder), callbacks=[reports], verbose=0
        ),
    ).fit()
    assert results.num_errors == 0, results.errors
    return reports.heard


@pytest.fixture(scope="module")
def few(digits_split):
    return replace(digits_split, train=digits_split.train[:64], val=digits_split.val[:32])


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return settings_in(tmp_path_factory.mktemp("trials"), EPOCHS)


@pytest.fixture(scope="module")
def reports(small_ray, few, settings):
    for number in (HEALTHY, DAMAGED):
        trainer = Trainer(settings.train_config(LENET), few, settings.compute())
        for epoch in (1, 2):
            trainer.run_epoch()
            trainer.save(settings.checkpoints_of(number).at(epoch))
    (settings.checkpoints_of(DAMAGED).at(2) / "model.pt").write_bytes(b"no weights")
    return train(TRIALS, ray.put(few), settings, settings.store.folder.parent)


def test_a_trial_resumes_from_its_checkpoint_and_keeps_only_the_newest(reports, settings):
    assert [report["epoch"] for report in reports[HEALTHY]] == [2, 3]
    folder = settings.checkpoints_of(HEALTHY)
    assert list(folder.directory.glob("epoch-*")) == [folder.at(EPOCHS)]


def test_a_diverging_loss_is_the_last_report(reports):
    last = reports[DIVERGES][-1]
    assert last["reason"]
    assert last["diverged"]


def test_running_out_of_memory_is_the_last_report(reports):
    (last,) = reports[NEEDS_MEMORY]
    assert_named("memory batch_size 48", last["reason"].splitlines()[0])
    assert not last["diverged"]


def test_a_damaged_checkpoint_is_skipped_and_reported_once(reports, settings):
    assert [report["epoch"] for report in reports[DAMAGED]] == [1, 2, 3]
    damaged = settings.checkpoints_of(DAMAGED).at(2) / "model.pt"
    told = [report.get(WARNING, "") for report in reports[DAMAGED]]
    assert_named([str(damaged), "epoch 1"], told[0])
    assert told[1:] == ["", ""]


def test_a_full_disk_is_a_report(small_ray, few, small_disk, tmp_path):
    settings = settings_in(small_disk, EPOCHS)
    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - 100_000))
    (last,) = train(TRIALS[:1], ray.put(few), settings, tmp_path)[HEALTHY]
    assert_named([str(settings.store), "No space left on device"], last[DISK_FULL])
    assert settings.checkpoints_of(HEALTHY).newest_first() == []
