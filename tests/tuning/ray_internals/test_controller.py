"""Handling of dead workers and lost nodes, with a real Tuner."""

import os
import signal
import sys
from pathlib import Path

import pytest
from ray import ActorID, cloudpickle, tune
from ray.air.execution._internal import actor_manager
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.exceptions import ActorDiedError, ActorUnavailableError, WorkerCrashedError
from ray.tune import tune as ray_tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from tests.waiting import wait_until
from tune_mnist.tuning.ray_internals import controller as module
from tune_mnist.tuning.ray_internals.controller import (
    OneNodeController,
    SteadyController,
    lost_its_node,
    memory_kills_survived,
    steady_controller,
)
from tune_mnist.tuning.storage.checkpoint_store import PlaceMissingError


@pytest.fixture(scope="module")
def cluster(small_ray):
    # A worker that imported this module would import PyTorch, too.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])


def train(config):
    train_in(Path(config["folder"]), config["number"])
    tune.report({"val_accuracy": 0.5})


def train_in(folder, number):
    (folder / str(number)).write_text(str(os.getpid()))


class OneAfterAnother(Searcher):
    """Suggests the second trial after the first has ended and its idle worker has died."""

    def __init__(self, folder, trials=2, **given):
        super().__init__(metric="val_accuracy", mode="max")
        self.folder = folder
        self.trials = trials
        self.given = {"folder": str(folder), **given}
        self.begun = self.ended = self.steps_with_one_idle = 0

    def suggest(self, trial_id):
        if self.begun == self.trials:
            return Searcher.FINISHED
        if self.begun > self.ended:
            return None
        if self.begun:
            kill(int((self.folder / "0").read_text()))
        self.begun += 1
        return {"number": self.begun - 1, **self.given}

    def on_trial_complete(self, trial_id, result=None, error=False):
        self.ended += 1

    def save(self, checkpoint_path):
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path):
        pass


def kill(process):
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{process}").exists())


def fit(controller, trainable, searcher, folder, monkeypatch, cpus=1):
    """Run the trials of a searcher with a controller and max_failures = 0."""
    monkeypatch.setattr(module, "SteadyController", controller)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": cpus}),
        tune_config=tune.TuneConfig(search_alg=searcher, num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(folder),
            failure_config=tune.FailureConfig(max_failures=0),
            verbose=0,
        ),
    )
    with steady_controller(one_node=False):
        return tuner.fit()


class HoldsBack(SteadyController):
    """Controller whose scheduler pauses a trial that is about to get an idle worker.

    This happens if a cluster has shrunk, or if the trial is paused at a rung.
    """

    def _schedule_trial_reset(self, trial, new_config, new_experiment_tag):
        super()._schedule_trial_reset(trial, new_config, new_experiment_tag)
        self._set_trial_status(trial, Trial.PAUSED)


@pytest.mark.e2e
@pytest.mark.parametrize("controller", [OneNodeController, SteadyController, HoldsBack])
@pytest.mark.skipif(not Path("/proc").exists(), reason="asks Linux when the worker is gone")
def test_a_worker_that_died_while_idle_does_not_count_as_a_failure(
    cluster, tmp_path, monkeypatch, controller
):
    results = fit(controller, train, OneAfterAnother(tmp_path), tmp_path, monkeypatch)
    assert results.errors == []
    assert len(results) == 2
    assert (tmp_path / "0").read_text() != (tmp_path / "1").read_text()


class SlowToStart(tune.Trainable):
    """Trainable whose second worker starts only when the test allows it."""

    def setup(self, config):
        folder, number = Path(config["folder"]), config["number"]
        if number == 1:
            wait_until((folder / "start").exists)

    def reset_config(self, new_config):
        return True

    def step(self):
        train_in(Path(self.config["folder"]), self.config["number"])
        return {"val_accuracy": 0.5, "done": True}

    def save_checkpoint(self, checkpoint_dir):
        """Save nothing; Ray requests a checkpoint at the end."""


class BothAtOnce(OneAfterAnother):
    """Lets the second worker start some time after the first has become idle."""

    def suggest(self, trial_id):
        if self.begun < 2:
            self.begun += 1
            return {"number": self.begun - 1, **self.given}
        if self.ended == 2:
            return Searcher.FINISHED
        self.steps_with_one_idle += self.ended
        if self.steps_with_one_idle == 5:
            (self.folder / "start").touch()
        return None


@pytest.mark.e2e
@pytest.mark.parametrize("controller", [OneNodeController, SteadyController])
def test_a_worker_that_is_starting_keeps_its_trial(cluster, tmp_path, monkeypatch, controller):
    searcher = BothAtOnce(tmp_path)
    results = fit(controller, SlowToStart, searcher, tmp_path, monkeypatch, cpus=0.5)
    assert results.errors == []
    assert (tmp_path / "0").read_text() != (tmp_path / "1").read_text()


def train_where_the_place_is_missing(config):
    begun = Path(config["folder"], "begun")
    begun.touch()
    times = len(begun.read_text()) + 1
    begun.write_text("x" * times)
    if times <= config["misses"]:
        raise PlaceMissingError("not seen by this node")
    tune.report({"val_accuracy": 0.5})


@pytest.mark.e2e
@pytest.mark.parametrize(("misses", "errors"), [(1, 0), (9, 1)])
def test_a_node_without_the_checkpoints_counts_only_after_the_limit(
    cluster, tmp_path, monkeypatch, misses, errors
):
    monkeypatch.setattr(module, "MAX_LOST_NODES", 1)
    searcher = OneAfterAnother(tmp_path, trials=1, misses=misses)
    results = fit(
        OneNodeController, train_where_the_place_is_missing, searcher, tmp_path, monkeypatch
    )
    assert len(results.errors) == errors
    assert len((tmp_path / "begun").read_text()) == 2


@pytest.mark.parametrize(
    ("one_node", "controller"), [(True, OneNodeController), (False, SteadyController)]
)
def test_the_controller_depends_on_whether_nodes_may_join(one_node, controller):
    with steady_controller(one_node=one_node):
        assert ray_tune.TuneController is controller


def test_a_calling_program_gets_tunes_own_controller_back(tmp_path):
    before = ray_tune.TuneController, actor_manager.RayActorError
    with pytest.raises(RuntimeError), steady_controller(one_node=True), memory_kills_survived():
        raise RuntimeError
    assert (ray_tune.TuneController, actor_manager.RayActorError) == before


def died_because(reason):
    """Return the error that Ray raises for a worker that died for a reason."""
    return ActorDiedError(
        ActorDiedErrorContext(
            error_message=f"The actor died because {reason}", actor_id=bytes(ActorID.size())
        )
    )


def test_a_lost_node_is_distinguished_from_a_dead_worker():
    assert lost_its_node(ActorUnavailableError("no answer", b"0" * 16))
    assert lost_its_node(died_because("its node has died. Node Id: 12ab"))
    assert not lost_its_node(died_because("its worker process has died."))
    assert not lost_its_node(ActorDiedError())
    assert not lost_its_node(WorkerCrashedError())
