"""Files of trials: best weights are kept, checkpoints of ended trials are removed."""

import json
import math
import os
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.tuning.example_trial import Search
from tune_mnist.training import CheckpointFolder, TrainConfig
from tune_mnist.tuning.recording.callbacks import BestModels, Recorder
from tune_mnist.tuning.storage.candidate_models import (
    CandidateLimits,
    CandidateModels,
    candidates_of,
)


class Models:
    """Trials that write checkpoints and report to the callback."""

    def __init__(self, directory):
        self.directory = directory
        self.go_on()

    def go_on(self, architectures=2, finalists=1):
        self.callback = BestModels(
            self.directory / "best",
            lambda config: TrainConfig(model=config["model"], lr=0.1).flat(),
            self.checkpoints,
            CandidateModels(self.directory, CandidateLimits(architectures, finalists)),
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

    def candidates(self):
        """Return the epochs of the candidates by trial, after a check of their weights."""
        found = {}
        for folder, config in candidates_of(self.directory).items():
            trained = f"trial {config.trial} epoch {config.epoch}"
            assert (folder / "model.pt").read_text() == trained
            found[config.trial] = config.epoch
        return found


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


def test_the_best_epochs_of_the_best_trials_are_candidates(models):
    for number in range(6):
        models.report(number, 1, 0.5 + number / 100)
    assert models.candidates() == {2: 1, 3: 1, 4: 1, 5: 1}
    models.report(0, 2, 0.9)
    models.report(3, 2, 0.8)
    models.report(5, 2, 0.1)
    models.report(1, 2, 0.53)  # as good as trial 3 was, but not as the fourth best now
    assert models.candidates() == {0: 2, 3: 2, 4: 1, 5: 1}
    assert {path.name for path in (models.directory / "ensemble").iterdir()} == {
        f"trial-{number}" for number in (0, 3, 4, 5)
    }


def test_each_architecture_has_its_share_of_the_candidates(models):
    for number in range(6):
        models.report(number, 1, 0.9)
    models.report(6, 1, 0.2, model="resnet")
    assert models.candidates() == {0: 1, 1: 1, 2: 1, 3: 1, 6: 1}


@pytest.mark.parametrize(("finalists", "kept"), [(1, [2]), (2, [1, 2])])
def test_large_networks_have_as_few_candidates_as_finalists(models, finalists, kept):
    models.go_on(architectures=1, finalists=finalists)
    for number in range(3):
        models.report(number, 1, 0.5 + number / 10, parameters=400_000_000)
    assert sorted(models.candidates()) == kept


def test_large_worse_networks_do_not_displace_small_better_ones(models):
    models.go_on(architectures=1)
    for number in range(5):
        models.report(number, 1, 0.9, parameters=60_000_000)
        # Files of this size on the disk, without their content.
        os.truncate(models.directory / f"ensemble/trial-{number}/model.pt", 240_000_000)
    models.go_on(architectures=1)
    for number in range(5, 8):
        models.report(number, 1, 0.5, parameters=300_000_000)
    assert len([*models.directory.glob("ensemble/trial-*/model.pt")]) == 5
    models.report(8, 1, 0.4, parameters=60_000_000)
    assert (models.directory / "ensemble/trial-8").exists()


@pytest.mark.parametrize("moved", [False, True], ids=["written", "weights moved"])
def test_a_candidate_whose_writing_was_interrupted_is_completed(models, moved):
    models.report(0, 1, 0.5)
    models.report(0, 2, 0.6)
    new, folder = (
        models.directory / "ensemble/.trial-0.part",
        models.directory / "ensemble/trial-0",
    )
    folder.rename(new)
    models.report(0, 1, 0.5)  # not counted again
    if moved:
        folder.mkdir()
        (new / "model.pt").rename(folder / "model.pt")
    else:
        shutil.copytree(new, folder)
        (folder / "model.pt").write_text("trial 0 epoch 1")
    models.go_on()
    assert models.candidates() == {0: 2}
    assert not new.exists()


def test_half_written_candidates_are_removed_and_other_files_are_kept(models):
    models.report(0, 1, 0.5)
    top = models.directory / "ensemble"
    for name in (".trial-1.part/.model.pt.part", "trial-2/model.pt", "mine/model.pt"):
        (top / name).parent.mkdir()
        (top / name).write_text("half")
    models.go_on()
    assert {path.name for path in top.iterdir()} == {"trial-0", "mine"}


def test_a_damaged_candidate_does_not_stop_the_search(models):
    models.report(0, 1, 0.5)
    models.report(1, 1, 0.6)
    (models.directory / "ensemble/trial-0/config.json").write_text("{")
    models.go_on()
    assert models.candidates() == {1: 1}


@pytest.mark.parametrize("diverges", [False, True])
def test_a_trial_that_fails_later_is_no_candidate(models, diverges):
    models.report(0, 1, 0.5)
    models.report(1, 1, 0.6)
    path = models.directory / "ensemble/ensemble.json"
    path.write_text("of both")
    if diverges:
        models.callback.on_trial_result(trial=models.trial(0), result={"diverged": True})
    else:
        models.callback.on_trial_error(trial=models.trial(0))
    assert models.candidates() == {1: 1}
    assert not path.exists()


def test_a_resumed_search_compares_new_trials_with_its_candidates(models):
    for number in range(4):
        models.report(number, 1, 0.5 + number / 10)
    models.go_on()
    models.report(4, 1, 0.45)
    models.report(5, 1, 0.65)
    assert models.candidates() == {1: 1, 2: 1, 3: 1, 5: 1}


def test_a_new_candidate_removes_the_ensemble_that_was_chosen_without_it(models):
    models.report(0, 1, 0.5)
    files = [models.directory / "ensemble" / name for name in ("ensemble.json", "validation.npz")]
    for path in files:
        path.write_text("of other candidates")
    models.report(0, 2, 0.4)
    assert all(path.exists() for path in files)
    models.report(1, 1, 0.4)
    assert not any(path.exists() for path in files)


def test_a_later_stage_ranks_first_among_the_candidates(models):
    models.go_on(architectures=8)
    models.report(0, 2, 0.9, stage=1, image_size=28)
    models.report(1, 3, 0.6, stage=2, image_size=64)
    models.report(2, 2, 0.95, stage=1, image_size=28)
    assert models.candidates() == {1: 3}


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
    with pytest.raises(FileNotFoundError):
        recorder.on_step_end(1, [])
