"""Checkpoints of a run; invalid ones are refused before they are used."""

import math
from typing import Any

import pytest
import torch

from tests.messages import assert_named
from tests.training.hostile_weights import HOSTILE
from tune_mnist.training import (
    OPTIMIZERS,
    CheckpointError,
    Compute,
    TrainConfig,
    Trainer,
    restore_newest,
)

CPU = Compute(torch.device("cpu"), bf16=False)


def trainer(digits_split, **values):
    config = {"model": "lenet", "lr": 0.01, "batch_size": 512, "max_epochs": 3, **values}
    return Trainer(TrainConfig(**config), digits_split, CPU)


@pytest.fixture(scope="module")
def checkpoint(digits_split, tmp_path_factory):
    """Checkpoint after one epoch with Adam."""
    trained = trainer(digits_split)
    trained.run_epoch()
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    trained.save(folder)
    return folder


@pytest.fixture
def copy(checkpoint, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for path in checkpoint.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def refusal(digits_split, folder, **values):
    with pytest.raises(CheckpointError) as caught:
        trainer(digits_split, **values).load(folder)
    line = str(caught.value)
    assert line.startswith(str(folder))
    assert line.isprintable()
    assert len(line) < 1_000
    return line


def _first(state: dict[str, Any]) -> dict[str, Any]:
    return state["optimizer"]["state"][0]


DAMAGES = {
    "no metrics": lambda state: state.pop("metrics"),
    "no optimizer": lambda state: state.pop("optimizer"),
    "no random state": lambda state: state.pop("torch_rng"),
    "a list for a mapping": lambda state: state.update(optimizer=[1]),
    "words for numbers": lambda state: state["metrics"].update(epoch="three"),
    "half an epoch": lambda state: state["metrics"].update(epoch=0.5),
    "no such metric": lambda state: state["metrics"].pop("train_loss"),
    "a random state of numbers": lambda state: state.update(torch_rng=torch.zeros(5056)),
    "an empty random state": lambda state: state.update(
        shuffle_rng=torch.zeros(0, dtype=torch.uint8)
    ),
    "a random state of zeros": lambda state: state.update(
        shuffle_rng=torch.zeros(5056, dtype=torch.uint8)
    ),
    "a short random state": lambda state: state.update(torch_rng=state["torch_rng"][:100]),
    "words for a random state": lambda state: state.update(torch_rng="seed"),
    "a parameter too many": lambda state: state["optimizer"]["state"].update({99: {}}),
    "a parameter too few": lambda state: state["optimizer"]["state"].pop(0),
    "parameters by name": lambda state: state["optimizer"].update(state={"layer": {}}),
    "a tensor too few": lambda state: _first(state).pop("exp_avg"),
    "a tensor too many": lambda state: _first(state).update(more=torch.zeros(1)),
    "another shape": lambda state: _first(state).update(exp_avg=torch.zeros(7)),
    "a huge shape": lambda state: _first(state).update(exp_avg=torch.zeros(1).expand(10**11)),
    "another type": lambda state: _first(state).update(step=torch.tensor(1)),
    "words for a tensor": lambda state: _first(state).update(step="one"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_state_that_does_not_fit_is_refused(digits_split, copy, name):
    path = copy / "state.pt"
    state = torch.load(path, weights_only=True)
    DAMAGES[name](state)
    torch.save(state, path)
    assert refusal(digits_split, copy).startswith(str(path))


@pytest.mark.parametrize("file", ["model.pt", "state.pt"])
@pytest.mark.parametrize(
    "name", ["no archive", "a list", "a zip bomb", "10 GB in one call", "NaN", "10^11 classes"]
)
def test_a_run_resumes_from_the_checkpoint_before_an_invalid_one(
    digits_split, checkpoint, copy, file, name
):
    path = copy / file
    path.write_bytes(HOSTILE[name](torch.load(checkpoint / "model.pt", weights_only=True)))
    restored, complaints = restore_newest(lambda: trainer(digits_split), [copy, checkpoint])
    assert restored.epoch == 1
    (complaint,) = complaints
    assert complaint.startswith(f"{path}: ")
    assert "weights_only" not in complaint


def test_flipped_bits_are_detected_by_the_checksum(digits_split, copy):
    path = copy / "state.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "checksum" in refusal(digits_split, copy)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_every_optimizer_is_restored(digits_split, tmp_path, optimizer, momentum):
    values = {"optimizer": optimizer, "momentum": momentum}
    whole = trainer(digits_split, **values)
    whole.run_epoch()
    whole.save(tmp_path)
    losses = [whole.run_epoch().train_loss for _ in range(2)]
    resumed = trainer(digits_split, **values)
    resumed.load(tmp_path)
    (tmp_path / "model.pt").unlink()
    (tmp_path / "state.pt").unlink()
    assert [resumed.run_epoch().train_loss for _ in range(2)] == losses


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
@pytest.mark.parametrize("momenta", [(0.0, 0.9), (0.9, 0.0)])
def test_a_state_loads_with_another_momentum(digits_split, tmp_path, optimizer, momenta):
    before, after = (trainer(digits_split, optimizer=optimizer, momentum=m) for m in momenta)
    before.run_epoch()
    before.save(tmp_path)
    after.load(tmp_path)
    assert math.isfinite(after.run_epoch().train_loss)


@pytest.mark.parametrize(("one", "other"), [("adam", "rmsprop"), ("sgd", "adam")])
def test_the_state_of_another_optimizer_does_not_load(digits_split, tmp_path, one, other):
    trained = trainer(digits_split, optimizer=one, momentum=0.9)
    trained.run_epoch()
    trained.save(tmp_path)
    assert_named(["optimizer", other], refusal(digits_split, tmp_path, optimizer=other))


def test_hyperparameters_in_the_file_are_ignored(digits_split, checkpoint, copy):
    path = copy / "state.pt"
    state = torch.load(path, weights_only=True)
    for group in state["optimizer"]["param_groups"]:
        group.update(lr="high", betas=(9.0, 9.0), eps=-1.0, maximize=True)
    torch.save(state, path)
    plain, changed = trainer(digits_split), trainer(digits_split)
    changed.load(copy)
    plain.load(checkpoint)
    assert changed.run_epoch().train_loss == plain.run_epoch().train_loss
