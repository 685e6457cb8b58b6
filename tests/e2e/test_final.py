"""The final evaluation of a search, interrupted by a kill, by Ctrl-C and by a better trial."""

import json
import re
import signal
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
import torch

from tests.e2e.commands import in_this_process, interrupt, start
from tests.messages import assert_named, is_named
from tests.waiting import wait_until
from tests.weights import weights_of
from tune_mnist.inference import load_ensemble
from tune_mnist.models import create_model
from tune_mnist.search import search
from tune_mnist.training import (
    TrainConfig,
    create_batches,
    evaluate,
    probabilities,
    resolve_compute,
)
from tune_mnist.training.ensemble_file import read_ensemble
from tune_mnist.tuning.final.misclassified import read_misclassified
from tune_mnist.tuning.final.runs import final_folder, read_final_runs

pytestmark = pytest.mark.e2e
SPACE = """
description: a poor configuration first, and better ones after it
model: lenet
parameters:
  lr:         {type: float, low: 1.0e-4, high: 1.0e-2}
  batch_size: {type: categorical, choices: [16, 32]}
  # Learns the digits in few epochs.
  model.activation: {type: categorical, choices: [relu]}
baselines:
  - {lr: 0.0001, batch_size: 32, model.activation: relu}
"""


def wait_for(process, path, pattern):
    wait_until(lambda: list(path.glob(pattern)), process, every=0.02)


def test_a_final_evaluation_survives_a_kill_and_follows_the_best_trial(
    tmp_path, digits, small_ray
):
    (tmp_path / "two.yaml").write_text(SPACE)
    directory = tmp_path / "final"
    process = start(
        "search",
        *("--space", str(tmp_path / "two.yaml"), "--dataset", "digits", "--num-samples", "1"),
        *("--fraction", "1"),
        *("--max-epochs", "2", "--final-epochs", "8", "--max-concurrent", "1"),
        *("--scheduler", "none"),
        *("--output-dir", str(tmp_path), "--name", "final", "--precision", "fp32"),
    )
    wait_for(process, directory, "checkpoints/final-lenet-1-*/epoch-*")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    first = directory / "final" / "lenet" / "seed-0.json"
    before = (first.read_text(), first.stat().st_mtime_ns)

    process = start("search", "--resume", str(directory))
    wait_for(process, directory, "final/lenet/seed-1.json")
    out, err = interrupt(process)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert f"--resume {directory}" in out

    out = in_this_process(search, "--resume", str(directory))
    assert is_named("2 of 3", out)  # runs are done
    assert "#0 epoch" not in out
    assert (first.read_text(), first.stat().st_mtime_ns) == before
    assert [(run.trial, run.seed) for run in read_final_runs(directory)] == [
        *((0, seed) for seed in range(3))
    ]
    assert list((directory / "checkpoints").rglob("*.pt")) == []

    more = ("--num-samples", "3", "--finalists", "2", "--final-seeds", "2")
    out = in_this_process(search, "--resume", str(directory), *more)
    assert is_named("1 of 3", out)  # trials had ended
    clocks = re.findall(r"^\[(\d+:\d\d:\d\d)\]", out, flags=re.MULTILINE)
    assert clocks == sorted(clocks)  # one clock from the first trial to the report
    found = read_final_runs(directory)
    runs = [run for run in found if run.best]
    trials = pd.read_csv(directory / "trials.csv")
    best = int(trials["val_accuracy"].idxmax())
    assert best > 0
    assert [(run.trial, run.seed) for run in runs] == [(best, 0), (best, 1)]
    others = [run for run in found if not run.best]
    assert [run.seed for run in others] == [0, 1]
    assert {run.trial for run in others} < set(trials["trial"]) - {best}
    compared = pd.read_csv(directory / "tables" / "differences.csv")
    assert {*compared["better"], *compared["worse"]} == {
        f"lenet #{trial}" for trial in (best, others[0].trial)
    }
    assert len({run.test_accuracy for run in runs}) > 1
    assert fmean(run.test_accuracy for run in runs) > 0.85
    for final_run in runs:
        assert final_run.train_images == len(digits.train_images)
        assert final_run.config["max_epochs"] == 8
        assert final_run.calibration is not None
        assert final_run.calibration.temperature is not None
        assert final_run.calibration.error < 0.2
        assert np.sum(final_run.confusion) == len(digits.test_images)
        assert np.trace(final_run.confusion) / len(digits.test_images) == pytest.approx(
            final_run.test_accuracy
        )
    assert kept_accuracy(directory, digits) == runs[0].test_accuracy
    misclassified = read_misclassified(final_folder(directory, "lenet"))
    assert misclassified is not None
    assert len(misclassified.images) == round(
        (1 - runs[0].test_accuracy) * len(digits.test_images)
    )
    check_ensemble(directory, digits, trials)
    experiment = json.loads((directory / "experiment.json").read_text())
    plan = experiment["facts"]["final runs"]
    assert_named("2 best 0 1 1,437", plan)


def test_networks_that_guess_are_tested_only_by_a_command_that_asks_for_it(tmp_path, small_ray):
    (tmp_path / "none.yaml").write_text(SPACE.replace("0.0001", "1e-8").replace("e-4", "e-9"))
    directory = tmp_path / "guess"
    out = in_this_process(
        search,
        *("--space", str(tmp_path / "none.yaml"), "--dataset", "digits", "--num-samples", "1"),
        *("--max-epochs", "1", "--scheduler", "none", "--searcher", "random"),
        *("--output-dir", str(tmp_path), "--name", "guess"),
    )
    assert read_final_runs(directory) == []
    for text in (out, (directory / "summary.md").read_text()):
        assert "no better than guessing" in " ".join(text.split())
    in_this_process(search, "--resume", str(directory), "--final-seeds", "1")
    assert [run.model for run in read_final_runs(directory)] == ["lenet"]
    assert "no better than guessing" not in (directory / "summary.md").read_text()


def check_ensemble(directory, digits, trials):
    """Check that an ensemble of all trials was chosen, and that its results can be repeated."""
    ensemble = read_ensemble(directory)
    assert ensemble is not None
    chosen = {each.trial: each for each in ensemble.candidates}
    accuracies = trials.set_index("trial")["val_accuracy"]
    assert sorted(chosen) == list(accuracies.index)
    for number, each in chosen.items():
        assert each.val_accuracy == pytest.approx(accuracies[number], abs=0.005)
    with np.load(directory / "ensemble" / "validation.npz", allow_pickle=False) as arrays:
        labels = arrays["labels"]
        logits = {each.trial: arrays[f"trial-{each.trial}"] for each in ensemble.members}
    assert {array.dtype for array in logits.values()} == {np.dtype(np.float16)}
    mean = sum(each.count * probabilities(logits[each.trial]) for each in ensemble.members)
    assert (mean.argmax(axis=1) == labels).mean() == pytest.approx(ensemble.val_accuracy)
    classifier = load_ensemble(directory, torch.device("cpu"))
    with torch.inference_mode():
        predicted = classifier(torch.from_numpy(digits.test_images)).argmax(dim=1).numpy()
    wrong = np.flatnonzero(predicted != digits.test_labels)
    assert len(wrong) < 0.3 * len(predicted)
    if ensemble.test is not None:
        assert list(wrong) == ensemble.test.ensemble.misclassified


def kept_accuracy(directory, digits):
    """Classify the test images with the stored weights."""
    folder = final_folder(directory, "lenet")
    kept = json.loads((folder / "config.json").read_text())
    known = (*TrainConfig.model_fields, "model.activation")
    config = TrainConfig(**{key: kept[key] for key in known if key in kept})
    model = create_model("lenet", digits.num_classes, config.dropout, options=config.model_options)
    model.load_state_dict(weights_of(folder))
    compute = resolve_compute("cpu")  # the same number format as in the final run
    indices = np.arange(len(digits.test_labels))
    batches = create_batches(config, digits.test_images, digits.test_labels, indices, compute)
    return evaluate(model, batches, compute, digits.class_names).accuracy
