import copy
import dataclasses
import math
import resource
import signal
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import torch

from tests.weights import optimizer_settings, same_weights
from tune_mnist.data import split_dataset
from tune_mnist.training import (
    MODEL_FILE,
    OPTIMIZERS,
    CheckpointError,
    CheckpointFolder,
    Classified,
    DivergedError,
    TrainConfig,
    Trainer,
    classify,
    create_batches,
    evaluate,
    resolve_compute,
    restore_newest,
    score,
)

CPU = resolve_compute("cpu", "fp32")
NARROW = {"model.width": 8}  # a ResNet that trains many times faster


@pytest.fixture(scope="module")
def digits_split(digits_split):
    """Fewer images, as most tests do not depend on what is learned."""
    return dataclasses.replace(digits_split, train=digits_split.train[:320])


def lenet(**changes):
    return TrainConfig.checked(**({"model": "lenet", "lr": 0.005, "batch_size": 32} | changes))


def run_epochs(trainer, count):
    for _ in range(count):
        trainer.run_epoch()


def test_training_reaches_a_high_accuracy_on_digits(digits):
    trainer = Trainer(lenet(), split_dataset(digits), CPU)
    first = trainer.run_epoch()
    for _ in range(11):
        last = trainer.run_epoch()
    assert last.epoch == 12
    assert last.train_loss < first.train_loss / 2
    assert last.val_accuracy > 0.9
    assert last.images_per_second > 0
    assert last.epoch_seconds > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_moves_the_weights(digits_split, optimizer):
    config = lenet(optimizer=optimizer, momentum=0.5, weight_decay=1e-4)
    trainer, untrained = Trainer(config, digits_split, CPU), Trainer(config, digits_split, CPU)
    assert same_weights(trainer, untrained)
    trainer.run_epoch()
    assert not same_weights(trainer, untrained)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_momentum_is_used(digits_split, optimizer):
    runs = [
        Trainer(lenet(optimizer=optimizer, momentum=momentum), digits_split, CPU)
        for momentum in (0.0, 0.9)
    ]
    for run in runs:
        run.run_epoch()
    assert not same_weights(*runs)


def test_the_seed_determines_the_weights(digits_split):
    metrics = []
    for seed in (1, 1, 2):
        run = Trainer(lenet(seed=seed, dropout=0.3), digits_split, CPU)
        metrics.append((run.run_epoch(), run))
    assert same_weights(metrics[0][1], metrics[1][1])
    assert metrics[0][0].train_loss == metrics[1][0].train_loss
    assert not same_weights(metrics[0][1], metrics[2][1])


def test_resuming_from_a_checkpoint_gives_the_same_weights(digits_split, tmp_path):
    config = lenet(dropout=0.3, optimizer="adam")
    straight = Trainer(config, digits_split, CPU)
    straight.run_epoch()
    straight.save(tmp_path / "checkpoint")
    expected = straight.run_epoch()

    resumed = Trainer(config, digits_split, CPU)
    resumed.load(tmp_path / "checkpoint")
    got = resumed.run_epoch()

    assert got.epoch == 2
    assert got.train_loss == expected.train_loss
    assert same_weights(resumed, straight)


def test_a_checkpoint_keeps_the_metrics_and_the_time_spent(digits_split, tmp_path):
    trainer = Trainer(lenet(), digits_split, CPU)
    run_epochs(trainer, 2)
    trainer.save(tmp_path / "checkpoint")
    resumed = Trainer(lenet(), digits_split, CPU)
    resumed.load(tmp_path / "checkpoint")
    assert resumed.metrics == trainer.metrics
    assert trainer.metrics.train_seconds > trainer.metrics.epoch_seconds


def saved_epochs(digits_split, folder, count):
    trainer = Trainer(lenet(), digits_split, CPU)
    for _ in range(count):
        trainer.run_epoch()
        trainer.save(folder.at(trainer.epoch))
    return trainer


def test_only_the_newest_checkpoint_is_kept(digits_split, tmp_path):
    folder = CheckpointFolder(tmp_path / "trial")
    saved_epochs(digits_split, folder, 2)
    # The temporary folder that a crash leaves while a checkpoint is written.
    (tmp_path / "trial" / f".epoch-0003.{uuid4().hex}").mkdir()
    folder.keep_only(2)
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["epoch-0002"]
    folder.remove()
    assert not (tmp_path / "trial").exists()


def test_files_other_than_checkpoints_are_kept(digits_split, tmp_path):
    trial, outside = tmp_path / "trial", tmp_path / "outside"
    folder = CheckpointFolder(trial)
    saved_epochs(digits_split, folder, 2)
    (outside / "epoch-0001").mkdir(parents=True)
    (outside / "epoch-0001" / MODEL_FILE).touch()
    (trial / "epoch-0009").symlink_to(outside / "epoch-0001")
    (trial / "epoch-of-mine").mkdir()
    (trial / "thesis").mkdir()
    notes = [trial / "thesis" / "notes", trial / "epoch-0001" / "notes", trial / "notes"]
    for path in notes:
        path.touch()
    assert folder.newest_epoch() == 2
    folder.keep_only(2)
    assert folder.newest_epoch() == 2
    folder.remove()
    assert list(trial.glob("epoch-*/*.pt")) == [trial / "epoch-0009" / MODEL_FILE]
    assert all(path.exists() for path in notes)
    assert (outside / "epoch-0001" / MODEL_FILE).exists()
    CheckpointFolder(trial / "epoch-0009").remove()
    assert (outside / "epoch-0001" / MODEL_FILE).exists()


def test_an_adopted_checkpoint_continues_with_the_targets_hyperparameters(digits_split, tmp_path):
    source, target = CheckpointFolder(tmp_path / "source"), CheckpointFolder(tmp_path / "target")
    for folder, seed in ((source, 1), (target, 2)):
        trainer = Trainer(lenet(seed=seed, optimizer="sgd", momentum=0.5), digits_split, CPU)
        trainer.run_epoch()
        trainer.save(folder.at(1))
    target.adopt(source, 1)
    config = lenet(seed=2, optimizer="sgd", momentum=0.9, lr=0.5, weight_decay=0.1)
    restored, complaints = restore_newest(
        lambda: Trainer(config, digits_split, CPU), target.newest_first()
    )
    original, _ = restore_newest(lambda: Trainer(config, digits_split, CPU), source.newest_first())
    assert complaints == []
    assert same_weights(restored, original)
    run_epochs(restored, 1)
    group = optimizer_settings(restored, tmp_path / "settings")
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.5, 0.9, 0.1)
    restored.save(target.at(2))
    target.keep_only(2)
    again, _ = restore_newest(lambda: Trainer(config, digits_split, CPU), source.newest_first())
    assert same_weights(again, original)  # the source's own checkpoint is unchanged


def test_the_learning_rate_follows_its_schedule(digits_split, tmp_path):
    rates = []
    trainer = Trainer(lenet(lr_schedule="cosine", lr=0.1, max_epochs=2), digits_split, CPU)
    for _ in range(2):
        trainer.run_epoch(lambda _: rates.append(optimizer_settings(trainer, tmp_path)["lr"]))
    assert rates[0] == 0.1
    assert rates == sorted(rates, reverse=True)
    assert rates[len(rates) // 2] == pytest.approx(0.05)
    assert 0 < rates[-1] < 0.001


def damage_in_the_middle(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize("harm", [damage_in_the_middle, cut_short, Path.unlink])
@pytest.mark.parametrize("file", ["model.pt", "state.pt"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(digits_split, tmp_path, harm, file):
    folder = CheckpointFolder(tmp_path / "trial")
    saved_epochs(digits_split, folder, 2)
    harm(folder.at(2) / file)
    trainer, complaints = restore_newest(
        lambda: Trainer(lenet(), digits_split, CPU), folder.newest_first()
    )
    assert trainer.epoch == 1
    assert len(complaints) == 1
    assert str(folder.at(2) / file) in complaints[0]


def test_training_starts_from_scratch_without_a_usable_checkpoint(digits_split, tmp_path):
    folder = CheckpointFolder(tmp_path / "trial")
    trainer, complaints = restore_newest(
        lambda: Trainer(lenet(), digits_split, CPU), folder.newest_first()
    )
    assert (trainer.epoch, complaints) == (0, [])
    saved_epochs(digits_split, folder, 1)
    cut_short(folder.at(1) / "model.pt")
    trainer, complaints = restore_newest(
        lambda: Trainer(lenet(), digits_split, CPU), folder.newest_first()
    )
    assert (trainer.epoch, len(complaints)) == (0, 1)
    assert same_weights(trainer, Trainer(lenet(), digits_split, CPU))


def test_a_checkpoint_of_another_configuration_does_not_load(digits_split, tmp_path):
    Trainer(lenet(), digits_split, CPU).save(tmp_path / "checkpoint")
    other = Trainer(lenet(model="resnet", image_size=28), digits_split, CPU)
    with pytest.raises(CheckpointError, match=str(tmp_path / "checkpoint" / MODEL_FILE)):
        other.load(tmp_path / "checkpoint")


def test_a_full_disk_raises_its_own_error_and_keeps_the_old_checkpoint(digits_split, tmp_path):
    """PyTorch's own error names an unexpected position in the file instead."""
    trainer = Trainer(lenet(), digits_split, CPU)
    trainer.save(tmp_path / "there")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):  # text of the operating system
            trainer.save(tmp_path / "there")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    Trainer(lenet(), digits_split, CPU).load(tmp_path / "there")


def test_a_diverging_loss_raises_an_error(digits_split):
    few = dataclasses.replace(digits_split, train=digits_split.train[:64])
    trainer = Trainer(
        lenet(model="resnet", lr=1e20, optimizer="sgd", image_size=28, **NARROW), few, CPU
    )
    with pytest.raises(DivergedError, match=r"train_loss is (nan|inf)"):
        run_epochs(trainer, 5)


def test_divergence_in_the_last_batch_raises_an_error(digits_split):
    one_batch = dataclasses.replace(digits_split, train=digits_split.train[:32])
    config = lenet(model="alexnet", lr=1e30, optimizer="sgd", image_size=28)
    with pytest.raises(DivergedError, match=r"val_loss is (nan|inf)"):
        Trainer(config, one_batch, CPU).run_epoch()


def test_validation_metrics_are_measured_on_the_validation_part(digits, digits_split):
    trainer = Trainer(lenet(), digits_split, CPU)
    metrics = trainer.run_epoch()
    batches = create_batches(
        trainer.config, digits_split.images, digits_split.labels, digits_split.val, CPU
    )
    result = evaluate(trainer.model, batches, CPU, digits.class_names)
    assert result.accuracy == pytest.approx(metrics.val_accuracy)
    assert result.confusion.sum() == len(digits_split.val)
    assert result.confusion.trace() / len(digits_split.val) == pytest.approx(result.accuracy)
    per_class = result.confusion.diagonal() / result.confusion.sum(axis=1)
    assert result.recall == pytest.approx(per_class)


@pytest.mark.parametrize("size", [28, 32, 33])
def test_resnet_trains_on_batches_of_one_image_at_every_size(digits_split, size):
    few = dataclasses.replace(
        digits_split, train=digits_split.train[:6], val=digits_split.val[:20]
    )
    config = lenet(model="resnet", image_size=size, batch_size=1, lr=0.001)
    trainer = Trainer(config, few, CPU)
    before = copy.deepcopy(trainer.model.state_dict())
    assert math.isfinite(trainer.run_epoch().val_loss)
    after = trainer.model.state_dict()
    assert all(torch.isfinite(weights).all() for weights in after.values())
    assert not torch.equal(before["classifier.3.weight"], after["classifier.3.weight"])


def test_a_class_without_images_has_no_recall():
    truth = np.array([1, 1, 2])
    result = score(Classified(truth, np.array([1, 0, 2]), np.ones(3, np.float32)), tuple("abcd"))
    assert result.recall == pytest.approx([math.nan, 0.5, 1.0, math.nan], nan_ok=True)
    assert result.accuracy == pytest.approx(2 / 3)


def test_without_a_validation_part_nothing_is_validated(digits_split):
    trainer = Trainer(lenet(), dataclasses.replace(digits_split, val=digits_split.val[:0]), CPU)
    metrics = trainer.run_epoch()
    assert metrics.epoch == 1
    assert math.isfinite(metrics.train_loss)
    assert math.isnan(metrics.val_loss)
    assert math.isnan(metrics.val_accuracy)


def test_classify_returns_true_labels_and_probabilities(digits_split):
    trainer = Trainer(lenet(), digits_split, CPU)
    classified = classify(trainer.model, trainer.val_batches, CPU)
    assert (classified.truth == digits_split.labels[digits_split.val]).all()
    assert ((classified.probability >= 0.1) & (classified.probability <= 1)).all()


def test_training_works_in_bf16(digits_split):
    few = dataclasses.replace(digits_split, train=digits_split.train[:64])
    trainer = Trainer(
        lenet(model="resnet", image_size=28, **NARROW), few, resolve_compute("cpu", "bf16")
    )
    assert math.isfinite(trainer.run_epoch().train_loss)
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())


def test_on_batch_counts_every_image(digits_split):
    seen = []
    Trainer(lenet(), digits_split, CPU).run_epoch(seen.append)
    assert len(digits_split.train) - sum(seen) <= 1
