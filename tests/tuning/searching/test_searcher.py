"""Searcher, scheduler and trial store under a real Tuner, as seen in the study."""

import math
import os
import signal
import sys
import time

import optuna
import pytest
from optuna.trial import TrialState
from ray import cloudpickle, tune
from ray.tune.search import Searcher

from tests.messages import assert_named
from tune_mnist.tuning.recording.callbacks import Recorder
from tune_mnist.tuning.recording.study import load_study, open_storage
from tune_mnist.tuning.running.lost_trials import LostTrials
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.searching.warm_start import prepare_study
from tune_mnist.tuning.spaces.space import parse_space
from tune_mnist.tuning.trials.reports import ended_early

MAX_EPOCHS = 9
SPACE = """
description: a curve an lr
model: lenet
parameters:
  lr: {type: float, low: 0.01, high: 1.0}
  dropout: {type: float, low: 0.0, high: 0.5}
baselines:
  - {lr: 0.9, dropout: 0.0}
  - {lr: 0.8, dropout: 0.0}
  - {lr: 0.3, dropout: 0.0}
  - {lr: 0.7, dropout: 0.5}
  - {lr: 0.6, dropout: 0.4}
  - {lr: 0.2, dropout: 0.0}
  - {lr: 0.5, dropout: 0.3}
"""
DIVERGES, RAISES, DIES = 0.5, 0.4, 0.3


def accuracy(lr: float, epoch: int) -> float:
    """Return an accuracy that increases with lr and decreases after epoch 7."""
    return lr * (1 - math.exp(-epoch / 3)) - (0.1 if epoch > 7 else 0.0)


def curve(config):
    for epoch in range(1, MAX_EPOCHS + 1):
        if config["dropout"] == DIVERGES:
            tune.report(ended_early("diverged: train_loss is nan", diverged=True))
        if config["dropout"] == RAISES:
            raise ValueError("no such luck")
        if config["dropout"] == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        report(config, epoch)


def report(config, epoch):
    tune.report(
        {
            "epoch": epoch,
            "val_accuracy": accuracy(config["lr"], epoch),
            "val_loss": 1.0,
            "train_loss": 1.0,
            "train_accuracy": 0.5,
            "images_per_second": 10.0,
            "train_seconds": 2.0 * epoch,
            "parameters": 3,
        }
    )


def slow_to_end(config):
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = "1"  # timeout of Ray in this worker
    for epoch in (1, 2):
        try:
            report(config, epoch)
        finally:
            if epoch == 2:
                time.sleep(4)


def searcher_in(directory, *, num_samples=7, max_epochs=MAX_EPOCHS, max_concurrent=1):
    space = parse_space(SPACE, directory / "curve.yaml")
    searcher = StudySearch(
        space,
        open_storage(directory),
        create_sampler("tpe", space, num_samples, seed=0, chance_level=0.2),
        {"val_accuracy": "max"},
        max_epochs,
        max_concurrent,
    )
    if not searcher.study.trials:
        prepare_study(searcher.study, space, num_samples, warm_start=None)
    return searcher


def search(
    directory,
    *,
    num_samples=7,
    max_epochs=MAX_EPOCHS,
    max_concurrent=1,
    scheduler="asha-stopping",
    trainable=curve,
):
    searcher = searcher_in(
        directory, num_samples=num_samples, max_epochs=max_epochs, max_concurrent=max_concurrent
    )
    searcher.left = num_samples
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler_class(scheduler)(SchedulerOptions(scheduler, max_epochs)),
            num_samples=-1,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(directory),
            callbacks=[
                Recorder(directory / "trials.csv", searcher.trial_store),
                LostTrials(searcher),
            ],
            failure_config=tune.FailureConfig(max_failures=1),
            verbose=0,
        ),
    ).fit()
    return searcher


@pytest.fixture(scope="module")
def cluster(small_ray):
    # A worker that imported this module would import PyTorch and Optuna, too.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def study(cluster, tmp_path_factory) -> optuna.Study:
    directory = tmp_path_factory.mktemp("search")
    search(directory)
    return load_study(directory)


pytestmark = pytest.mark.e2e


def test_a_fully_trained_trial_is_complete_with_its_best_value(study):
    first = study.trials[0]
    assert first.state is TrialState.COMPLETE
    assert first.value == pytest.approx(accuracy(0.9, 7))
    assert first.value > first.intermediate_values[9]


def test_every_epoch_is_an_intermediate_value(study):
    expected = {epoch: accuracy(0.9, epoch) for epoch in range(1, 10)}
    assert study.trials[0].intermediate_values == pytest.approx(expected)


def test_a_stopped_trial_is_pruned_with_its_intermediate_values(study):
    stopped = study.trials[2]
    assert stopped.state is TrialState.PRUNED
    assert stopped.intermediate_values == pytest.approx({1: accuracy(0.3, 1)})
    assert stopped.value == pytest.approx(accuracy(0.3, 1))


def test_a_diverged_trial_fails_with_its_reason(study):
    diverged = study.trials[3]
    assert diverged.state is TrialState.FAIL
    assert diverged.user_attrs["reason"] == "diverged: train_loss is nan"
    assert diverged.user_attrs["diverged"]


def test_a_failed_trial_has_its_reason(study):
    failed = study.trials[4]
    assert failed.state is TrialState.FAIL
    assert "no such luck" in failed.user_attrs["reason"]
    assert not failed.user_attrs["diverged"]


def test_a_trial_whose_worker_dies_repeatedly_fails(study):
    failed = study.trials[6]
    assert failed.state is TrialState.FAIL
    assert_named("2", failed.user_attrs["reason"])  # deaths of its worker
    assert not failed.user_attrs["diverged"]


def test_the_study_has_node_and_duration_of_trials(study):
    attributes = study.trials[0].user_attrs
    assert attributes["epochs"] == MAX_EPOCHS
    assert attributes["seconds"] == 2.0 * MAX_EPOCHS
    assert attributes["node"]
    assert attributes["trial_id"]
    assert set(study.trials[0].distributions) == {"lr", "dropout"}


def test_tpe_ranks_by_state_then_length_then_accuracy(study):
    # A private function of Optuna; the test fails when Optuna changes this order.
    from optuna.samplers._tpe.sampler import _split_trials

    ended = [t for t in study.trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    good, bad = _split_trials(study, ended, 1)
    assert [trial.number for trial in good] == [0]
    assert 2 in [trial.number for trial in bad]


def test_the_search_ends_with_the_last_trial(tmp_path):
    searcher = searcher_in(tmp_path, num_samples=2, max_concurrent=2)
    searcher.left = 2
    assert [type(searcher.suggest(name)) for name in "ab"] == [dict, dict]
    assert searcher.suggest("c") is None
    searcher.on_trial_complete("a", error=True)
    assert searcher.suggest("c") is None
    searcher.on_trial_complete("b", error=True)
    assert searcher.suggest("c") == Searcher.FINISHED


def test_a_search_ends_although_ray_loses_a_trial(cluster, tmp_path):
    searcher = search(tmp_path, num_samples=2, max_epochs=2, trainable=slow_to_end)
    assert [str(record.state) for record in searcher.trial_store.records] == ["COMPLETE", "FAILED"]
    assert searcher.suggest("next") == Searcher.FINISHED
