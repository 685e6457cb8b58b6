"""Training recipes: augmentation, label smoothing, clipping, averaged weights, one cycle."""

from dataclasses import replace

import pytest
import torch

from tune_mnist.training import TrainConfig, Trainer, resolve_compute
from tune_mnist.training.augmentation import Augmentation
from tune_mnist.training.schedules import learning_rate
from tune_mnist.training.settings import AUGMENTATIONS

CPU = resolve_compute("cpu", "fp32")
ALL = {
    "augment": "affine_erasing",
    "augment_strength": 0.5,
    "augment_flip": True,
    "label_smoothing": 0.1,
    "clip_norm": 1.0,
    "ema": 0.9,
    "lr_schedule": "onecycle",
}


def lenet(**changes):
    values = {"model": "lenet", "lr": 0.005, "batch_size": 64, "max_epochs": 4, "dropout": 0.2}
    return TrainConfig.checked(**(values | changes))


def trained(config, split, epochs):
    trainer = Trainer(config, split, CPU)
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


@pytest.fixture
def images():
    """Return 200 images with a bright square in the upper left quarter."""
    images = torch.zeros(200, 1, 32, 32)
    images[:, :, 6:14, 6:14] = 1
    return images


@pytest.fixture(scope="module")
def few(digits_split):
    return replace(digits_split, train=digits_split.train[:400], val=digits_split.val[:100])


@pytest.fixture(scope="module")
def plain(few):
    """Training without a recipe."""
    return trained(lenet(), few, 3)


@pytest.mark.parametrize("recipe", [{name: value} for name, value in ALL.items()] + [ALL])
def test_recipes_are_reproducible_and_resume_bit_by_bit(few, plain, tmp_path, recipe):
    config = lenet(**recipe)
    whole = trained(config, few, 3)
    first = trained(config, few, 2)
    first.save(tmp_path / "checkpoint")
    resumed = Trainer(config, few, CPU)
    resumed.load(tmp_path / "checkpoint")
    metrics = resumed.run_epoch()
    assert torch.equal(weights(resumed), weights(whole))
    assert metrics.val_accuracy == whole.metrics.val_accuracy
    if recipe.keys() != {"augment_strength"}:  # has no effect without an augmentation
        assert not torch.equal(weights(plain), weights(whole))


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_images_are_augmented_independently_within_limits(images, kind):
    torch.manual_seed(0)
    changed = Augmentation(kind)(images)
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    if kind == "none":
        assert torch.equal(changed, images)
        return
    assert len(torch.unique(changed, dim=0)) > 150
    assert changed.min() >= 0
    assert changed.max() <= 1
    # Shifts and rotations are too small to move the square into the opposite quarter.
    assert changed[:, :, 20:, 20:].max() == 0
    share = changed.mean() / images.mean()
    assert 0.6 < share < 1.2


def test_a_shift_keeps_the_shape(images):
    torch.manual_seed(0)
    shifted = Augmentation("shift")(images)
    assert torch.allclose(shifted.sum((1, 2, 3)), images.sum((1, 2, 3)), rtol=1e-3)


def test_strength_0_changes_nothing(images):
    assert torch.allclose(Augmentation("affine_erasing", 0.0)(images), images, atol=1e-5)


def test_about_half_of_the_images_are_mirrored(images):
    torch.manual_seed(0)
    flipped = Augmentation("none", flip=True)(images)
    mirrored = (flipped - images.flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    same = (flipped - images).abs().amax((1, 2, 3)) < 1e-4
    assert bool((mirrored | same).all())
    assert 60 < int(mirrored.sum()) < 140


def test_averaged_weights_are_validated_and_saved(few, plain):
    averaged = trained(lenet(ema=0.99), few, 3)
    assert averaged.metrics.train_loss == plain.metrics.train_loss
    assert not torch.equal(weights(averaged), weights(plain))
    assert averaged.metrics.val_loss != plain.metrics.val_loss


def test_the_average_of_batch_norm_is_used(digits_split):
    config = TrainConfig.checked(
        model="resnet", lr=0.001, image_size=28, ema=0.9, **{"model.width": 8}
    )
    trainer = trained(config, digits_split, 3)
    assert trainer.metrics.val_accuracy > 0.5


def test_one_cycle_rises_and_falls():
    rates = [learning_rate("onecycle", 1.0, step / 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[30] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_a_clipped_gradient_moves_the_weights_less(few):
    def moved(clip_norm):
        trainer = Trainer(lenet(optimizer="sgd", clip_norm=clip_norm), few, CPU)
        start = weights(trainer).clone()
        trainer.run_epoch()
        return (weights(trainer) - start).norm()

    assert moved(0.01) < moved(0.0) / 3
