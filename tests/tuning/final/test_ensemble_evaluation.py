"""Candidates that cannot be evaluated, and ensembles that are out of date, on a real Ray."""

import json

import pytest
import ray
import torch

from tests.reporting.searches import best_config
from tests.tuning.settings import context_in
from tune_mnist.models import create_model
from tune_mnist.training.ensemble_file import Ensemble, read_ensemble, write_ensemble
from tune_mnist.tuning.final.ensemble_evaluation import EnsembleEvaluation
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers, trial_settings
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.spaces.space import load_space

WORKERS = Workers(1, 0, 2)


def record(number, accuracy=0.5, state=TrialState.COMPLETE):
    made = TrialRecord(number, f"id{number}", {"model": "lenet"}, state)
    made.best_epoch, made.val_accuracy = 1, accuracy
    return made


def evaluation_in(directory, digits, shared=None):
    space = load_space("lenet")
    options = SearchOptions.for_space(space, precision="fp32", device="cpu", max_failures=0)
    settings = trial_settings(options, WORKERS, directory, form=digits.form)
    context = context_in(directory, space, options, WORKERS, shared=shared, settings=settings)
    return EnsembleEvaluation(context, digits)


@pytest.fixture
def candidates(tmp_path, digits):
    """Write the weights of trials 0, 1, ...; each with another seed."""

    def write(count):
        for trial in range(count):
            folder = tmp_path / "ensemble" / f"trial-{trial}"
            folder.mkdir(parents=True)
            torch.manual_seed(trial)
            torch.save(create_model("lenet").state_dict(), folder / "model.pt")
            (folder / "config.json").write_text(json.dumps(best_config("lenet", trial)))
        return tmp_path

    return write


@pytest.mark.e2e
def test_a_candidate_that_cannot_be_evaluated_is_left_out(
    candidates, digits, digits_split, small_ray
):
    directory = candidates(5)
    folder = directory / "ensemble"
    (folder / "trial-0" / "model.pt").write_bytes(b"truncated")
    (folder / "trial-1" / "config.json").write_text("{")
    torch.save({"other": torch.zeros(2)}, folder / "trial-2" / "model.pt")
    weights = torch.load(folder / "trial-3" / "model.pt", weights_only=True)
    last = [name for name in weights if name.endswith("weight")][-1]
    weights[last].fill_(3e38)  # finite weights, infinite outputs
    torch.save(weights, folder / "trial-3" / "model.pt")
    evaluation = evaluation_in(directory, digits, ray.put(digits_split))
    lines = []
    chosen = evaluation.choose([record(number) for number in range(5)], lines.append)
    assert [each.trial for each in chosen.candidates] == [4]
    for number in range(4):
        (_,) = [line for line in lines if f"trial-{number}" in line or f"#{number}" in line]
    assert not any("\n" in line for line in lines)


@pytest.mark.e2e
def test_a_network_that_fails_on_the_test_images_is_replaced(
    candidates, digits, digits_split, small_ray
):
    directory = candidates(3)
    evaluation = evaluation_in(directory, digits, ray.put(digits_split))
    records, lines = [record(number) for number in range(3)], []
    chosen = evaluation.choose(records, lines.append)
    count = [2, 1, 0]
    chosen = chosen.model_copy(
        update={
            "candidates": [
                each.model_copy(update={"count": number})
                for each, number in zip(chosen.candidates, count, strict=True)
            ]
        }
    )
    failing = chosen.candidates[0].trial
    (directory / "ensemble" / f"trial-{failing}" / "model.pt").write_bytes(b"truncated")
    evaluation.finish(chosen, records, lines.append)
    stored = read_ensemble(directory)
    assert failing not in [each.trial for each in stored.candidates]
    assert len([line for line in lines if f"#{failing} " in line]) == 1


def ensemble_of(trials, best):
    values = {"model": "lenet", "epoch": 1, "val_accuracy": 0.9, "temperature": 1.5}
    return Ensemble(
        candidates=[{"trial": each, "count": int(each == trials[0]), **values} for each in trials],
        val_images=100,
        val_accuracy=0.9,
        best_trials=best,
    )


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        ([record(0), record(1)], True),
        ([record(0), record(1), record(2, 0.1)], False),
        ([record(0), record(1), record(2, 0.1, TrialState.DIVERGED)], True),
        ([record(0), record(1, state=TrialState.DIVERGED)], False),
    ],
    ids=["the same", "one more", "a diverged one more", "a member diverged"],
)
def test_an_ensemble_of_trials_that_are_no_longer_the_best_is_removed(
    tmp_path, digits, records, kept
):
    (tmp_path / "ensemble").mkdir()
    write_ensemble(tmp_path, ensemble_of([0, 1], [0, 1]))
    lines = []
    evaluation_in(tmp_path, digits).drop_outdated(records, lines.append)
    assert (read_ensemble(tmp_path) is not None) is kept
    assert len(lines) == (0 if kept else 1)
