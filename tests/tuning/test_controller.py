"""Workers that die at the wrong moment, under a real Tuner."""

import os
import signal
import time
from pathlib import Path

import pytest
from ray import tune
from ray.exceptions import ActorDiedError, ActorUnavailableError, WorkerCrashedError
from ray.tune import tune as ray_tune
from ray.tune.search import Searcher

from tune_mnist.tuning.controller import lost_its_node, use_steady_controller


def train(config):
    Path(config["folder"], str(config["number"])).write_text(str(os.getpid()))
    tune.report({"val_accuracy": 0.5})


class OneAfterAnother(Searcher):
    """Hands out the second trial when the first has ended, and its idle worker has died."""

    def __init__(self, folder):
        super().__init__(metric="val_accuracy", mode="max")
        self.folder = folder
        self.begun = self.ended = 0

    def suggest(self, trial_id):
        if self.begun == 2:
            return Searcher.FINISHED
        if self.begun > self.ended:
            return None
        if self.begun:
            kill(int((self.folder / "0").read_text()))
        self.begun += 1
        return {"number": self.begun - 1, "folder": str(self.folder)}

    def on_trial_complete(self, trial_id, result=None, error=False):
        self.ended += 1

    def save(self, checkpoint_path):
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path):
        pass


def kill(process):
    os.kill(process, signal.SIGKILL)
    while Path(f"/proc/{process}").exists():
        time.sleep(0.05)


@pytest.mark.e2e
@pytest.mark.skipif(not Path("/proc").exists(), reason="asks Linux when the worker is gone")
def test_a_trial_whose_worker_died_while_idle_gets_another_for_nothing(
    small_ray, tmp_path, monkeypatch
):
    monkeypatch.setattr(ray_tune, "TuneController", ray_tune.TuneController)  # puts it back
    use_steady_controller()
    results = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=OneAfterAnother(tmp_path), num_samples=-1, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(tmp_path),
            failure_config=tune.FailureConfig(max_failures=0),
            verbose=0,
        ),
    ).fit()
    assert results.errors == []
    assert len(results) == 2
    assert (tmp_path / "0").read_text() != (tmp_path / "1").read_text()


def test_a_lost_node_is_told_from_a_worker_that_died():
    assert lost_its_node(ActorUnavailableError("no answer", b"0" * 16))
    assert not lost_its_node(ActorDiedError())
    assert not lost_its_node(WorkerCrashedError())
