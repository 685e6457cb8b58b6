"""Files of trials: best weights are kept, checkpoints of ended trials are removed."""

import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.tuning.example_trial import Search
from tune_mnist.training import CheckpointFolder, TrainConfig
from tune_mnist.tuning.recording.callbacks import BestModels, Recorder


class Models:
    """Trials that write checkpoints and report to the callback."""

    def __init__(self, directory):
        self.directory = directory
        self.go_on()

    def go_on(self):
        self.callback = BestModels(
            self.directory / "best",
            lambda config: TrainConfig(model=config["model"], lr=0.1).flat(),
            self.checkpoints,
        )

    def checkpoints(self, number):
        return CheckpointFolder(self.directory / "checkpoints" / f"{number:05d}")

    def report(self, number, epoch, accuracy, model="lenet", **more):
        checkpoint = self.checkpoints(number).at(epoch)
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "model.pt").write_text(f"trial {number} epoch {epoch}")
        trial = self.trial(number, model)
        self.callback.on_trial_result(
            trial=trial, result={"epoch": epoch, "val_accuracy": accuracy} | more
        )

    def trial(self, number, model="lenet"):
        return SimpleNamespace(config={"number": number, "model": model})

    def best(self, model="lenet"):
        folder = self.directory / "best" / model
        config = json.loads((folder / "config.json").read_text())
        trained = f"trial {config['trial']} epoch {config['epoch']}"
        assert (folder / "model.pt").read_text() == trained
        return config["trial"], config["epoch"], config["val_accuracy"]


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path)


def test_the_best_epoch_of_each_architecture_is_kept(models):
    models.report(0, 1, 0.5)
    models.report(0, 2, 0.8)
    models.report(1, 1, 0.8)
    models.report(2, 1, 0.3, model="resnet")
    models.report(0, 3, 0.7)
    assert models.best() == (0, 2, 0.8)
    assert models.best("resnet") == (2, 1, 0.3)


def test_a_resumed_search_replaces_a_model_only_by_a_better_one(models):
    models.report(0, 1, 0.8)
    models.go_on()
    models.report(1, 1, 0.7)
    assert models.best() == (0, 1, 0.8)
    models.report(1, 2, 0.9)
    assert models.best() == (1, 2, 0.9)


def test_a_repeated_epoch_is_not_counted_again(models):
    models.report(0, 1, 0.5)
    models.report(0, 2, 0.6)
    models.report(0, 1, 0.7)  # its checkpoint was lost; the study keeps the first value
    assert models.best() == (0, 2, 0.6)


def test_a_report_without_accuracy_is_ignored(models):
    models.report(0, 1, math.nan)
    models.callback.on_trial_result(trial=models.trial(0), result={"reason": "diverged"})
    assert not (models.directory / "best").exists()


@pytest.mark.parametrize("end", ["on_trial_complete", "on_trial_error"])
def test_checkpoints_of_an_ended_trial_are_removed(models, end):
    models.report(0, 1, 0.5)
    models.report(1, 1, 0.6)
    getattr(models.callback, end)(trial=models.trial(0))
    assert not models.checkpoints(0).directory.exists()
    assert models.checkpoints(1).newest_epoch() == 1


def test_an_epoch_of_a_later_stage_ranks_first(models):
    models.report(0, 2, 0.9, stage=1, image_size=28)
    models.report(1, 3, 0.6, stage=2, image_size=64)
    models.report(2, 2, 0.8, stage=1, image_size=28)
    assert models.best() == (1, 3, 0.6)
    config = json.loads((models.directory / "best" / "lenet" / "config.json").read_text())
    assert config["image_size"] == 64
    models.go_on()
    models.report(3, 2, 0.95, stage=1, image_size=28)
    assert models.best() == (1, 3, 0.6)


def test_the_table_is_written_when_a_trial_ends(tmp_path):
    search = Search(max_epochs=1)
    recorder = Recorder(tmp_path / "trials.csv", search.trial_store)
    trial = search.trial(0)
    search.report(recorder, trial, 1, 0.5)
    recorder.on_step_end(1, [])
    assert not (tmp_path / "trials.csv").exists()
    search.end(recorder, trial)
    recorder.on_step_end(2, [])
    assert list(pd.read_csv(tmp_path / "trials.csv")["state"]) == ["COMPLETE"]


def test_an_unwritable_table_ends_the_search_and_not_the_trial(tmp_path):
    search = Search(max_epochs=1)
    recorder = Recorder(tmp_path / "gone" / "trials.csv", search.trial_store)
    trial, other = search.trial(0), search.trial(1)
    search.report(recorder, trial, 1, 0.5)
    search.end(recorder, trial)  # Ray would treat an error raised here as a failure of the trial
    other.error_file, other.num_failures = None, 1
    recorder.on_trial_error(trial=other)
    with pytest.raises(OSError, match="No such file"):
        recorder.on_step_end(1, [])
