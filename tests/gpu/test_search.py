"""Searches with Ray whose trials run on a GPU."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tests.e2e.commands import run
from tests.messages import assert_named, is_named

pytestmark = pytest.mark.gpu
DIGITS = ("--dataset", "digits", "--fraction", "1", "--device", "cuda")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    result = run(
        "search",
        *("--space", "lenet", *DIGITS, "--num-samples", "4", "--max-epochs", "3"),
        *("--gpus-per-trial", "0.5", "--final-seeds", "2"),
        *("--output-dir", str(output), "--name", "shared"),
    )
    return result, output / "shared"


def test_two_concurrent_trials_share_a_gpu(finished):
    result, folder = finished
    assert result.returncode == 0, result.stderr
    (workers,) = [line for line in result.stdout.splitlines() if line.startswith("workers ")]
    assert_named("2 0.5 GPU", workers)
    trials = pd.read_csv(folder / "trials.csv")
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    tested = json.loads((folder / "final" / "lenet" / "seed-0.json").read_text())
    assert 0 < tested["test_accuracy"] <= 1


def test_the_best_model_predicts_and_is_exported(finished, tmp_path):
    _, folder = finished
    picture = np.zeros((28, 28), dtype=np.uint8)
    picture[6:22, 13:15] = 255
    Image.fromarray(picture).save(tmp_path / "one.png")
    model = str(folder / "best" / "lenet")
    predicted = run("predict", "--model", model, str(tmp_path / "one.png"))
    assert predicted.returncode == 0, predicted.stderr
    exported = run(
        "export", "--model", model, "--format", "torch", "--output", str(tmp_path / "lenet.pt2")
    )
    assert exported.returncode == 0, exported.stderr


@pytest.fixture
def little_memory(monkeypatch):
    """Let each process allocate no more than 8 GiB of the GPU's memory."""
    fraction = min(1.0, 8 * 2**30 / torch.cuda.get_device_properties(0).total_memory)
    monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", f"per_process_memory_fraction:{fraction:.4f}")


def test_running_out_of_gpu_memory_ends_only_one_trial(little_memory, tmp_path):
    space = tmp_path / "large.yaml"
    space.write_text(
        "description: batches of which one is too large\n"
        "model: resnet\n"
        "parameters:\n"
        "  lr: {type: float, low: 1.0e-4, high: 1.0e-3, log: true}\n"
        "  batch_size: {type: categorical, choices: [16, 1024]}\n"
        "baselines:\n"
        "  - {lr: 0.0005, batch_size: 1024}\n"
        "  - {lr: 0.0005, batch_size: 16}\n"
    )
    result = run(
        "search",
        *("--space", str(space), *DIGITS, "--num-samples", "2", "--image-size", "224"),
        *("--max-epochs", "1", "--final-seeds", "0", "--searcher", "random"),
        *("--output-dir", str(tmp_path), "--name", "memory"),
    )
    assert result.returncode == 0, result.stderr
    trials = pd.read_csv(tmp_path / "memory" / "trials.csv").set_index("batch_size")
    assert trials["state"][16] == "COMPLETE"
    assert trials["state"][1024] == "FAILED"
    assert is_named("memory", trials["reason"][1024])
    assert is_named("memory", (tmp_path / "memory" / "summary.md").read_text())
