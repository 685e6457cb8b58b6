"""Stages of a trial: images of each epoch, and resuming within and between stages."""

from dataclasses import replace

import pytest
import torch

from tests.weights import optimizer_settings, same_weights
from tune_mnist.training import Fidelity, Stage, TrainConfig, Trainer, resolve_compute

CPU = resolve_compute("cpu", "fp32")
GROWING = Fidelity((Stage(2, 28, 0.1), Stage(3, 32, 0.2), Stage(5, 40, 0.2)))


@pytest.fixture(scope="module")
def few(digits_split):
    return replace(digits_split, train=digits_split.train[:40], val=digits_split.val[:20])


def resnet():
    narrow = {"model.width": 8}
    return TrainConfig(
        model="resnet", lr=0.001, batch_size=16, dropout=0.3, image_size=40, max_epochs=5, **narrow
    )


def test_an_epoch_belongs_to_the_first_stage_that_ends_at_or_after_it():
    assert [GROWING.number_at(epoch) for epoch in range(1, 7)] == [1, 1, 2, 3, 3, 3]
    assert GROWING.at(3) == Stage(3, 32, 0.2)


def test_each_stage_uses_its_own_image_size_and_fraction(few):
    trainer = Trainer(resnet(), few, CPU, GROWING)
    seen, trained = [], []
    for _ in range(5):
        trained.append(0)
        trainer.run_epoch(lambda count: trained.append(trained.pop() + count))
        seen.append((trainer.train_batches.size, trainer.val_batches.size))
    assert seen == [(28, 28), (28, 28), (32, 32), (40, 40), (40, 40)]
    assert trained == [20, 20, 40, 40, 40]
    assert trainer.val_batches.num_images == 20


def test_weights_are_kept_from_one_stage_to_the_next(few):
    trainer = Trainer(resnet().model_copy(update={"lr": 1e-12}), few, CPU, GROWING)
    first = next(trainer.model.parameters())
    before = first.detach().clone()
    for _ in range(4):
        trainer.run_epoch()
    assert next(trainer.model.parameters()) is first
    torch.testing.assert_close(first.detach(), before)


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_resuming_within_or_between_stages_gives_the_same_weights(few, tmp_path, stopped_after):
    straight = Trainer(resnet(), few, CPU, GROWING)
    for epoch in range(1, 5):
        last = straight.run_epoch()
        if epoch == stopped_after:
            straight.save(tmp_path / "checkpoint")
    resumed = Trainer(resnet(), few, CPU, GROWING)
    resumed.load(tmp_path / "checkpoint")
    while resumed.epoch < 4:
        again = resumed.run_epoch()
    assert again.train_loss == last.train_loss
    assert again.val_accuracy == last.val_accuracy
    assert same_weights(resumed, straight)


def test_a_single_stage_equals_no_stages(few):
    losses = []
    for fidelity in (Fidelity((Stage(5, 40, 0.2),)), None):
        trainer = Trainer(resnet(), few, CPU, fidelity)
        losses.append((trainer.run_epoch().train_loss, trainer.run_epoch().train_loss))
    assert losses[0] == losses[1]


def test_the_learning_rate_schedule_spans_all_stages(few, tmp_path):
    config = resnet().model_copy(update={"lr_schedule": "cosine"})
    trainer = Trainer(config, few, CPU, GROWING)
    rates = []
    for _ in range(5):
        trainer.run_epoch()
        rates.append(optimizer_settings(trainer, tmp_path)["lr"])
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.8 * config.lr
    assert rates[-1] < 0.05 * config.lr


def test_lenet_accepts_stages_with_fewer_images(digits_split):
    fidelity = Fidelity((Stage(1, 32, 0.25), Stage(2, 32, 1.0)))
    config = TrainConfig(model="lenet", lr=0.005, max_epochs=2)
    trainer = Trainer(config, digits_split, CPU, fidelity)
    trainer.run_epoch()
    assert trainer.train_batches.num_images == round(len(digits_split.train) / 4)
    trainer.run_epoch()
    assert trainer.train_batches.num_images == len(digits_split.train)
