"""A run of the final evaluation in this process, without Ray."""

from dataclasses import replace

import numpy as np
import pytest

from tests.messages import assert_named
from tests.tuning.settings import settings_in
from tests.weights import equal_weights, weights_of
from tune_mnist.data import train_val_indices
from tune_mnist.training import Classified, TrainConfig, Trainer
from tune_mnist.tuning.final.final_training import (
    Failed,
    Succeeded,
    select_misclassified,
    train_and_test,
)
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.storage.checkpoint_store import STALE_WORKER


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path, max_epochs=2)


def planned(images, **changes):
    values = {"model": "lenet", "lr": 0.005, "batch_size": 32, "max_epochs": 2, "dropout": 0.2}
    return PlannedRun(0, TrainConfig.checked(**(values | changes)), images)


@pytest.fixture
def train(digits, digits_split, settings):
    """Train and test a configuration with changed fields."""

    def run(fraction=1.0, **changes):
        joined = train_val_indices(digits_split, fraction)
        plan = planned(len(joined), **changes)
        test = (digits.test_images, digits.test_labels)
        return plan, train_and_test(plan, digits_split, joined, *test, settings)

    return run


def weights(plan, settings):
    checkpoint = plan.checkpoints(settings.store).at(plan.config.max_epochs)
    return weights_of(checkpoint)


def test_all_test_images_are_classified_after_the_last_epoch(train, digits, settings):
    plan, tested = train(max_epochs=12, dropout=0.0)
    assert isinstance(tested, Succeeded)
    assert tested.evaluation.accuracy > 0.85
    assert tested.evaluation.confusion.sum() == len(digits.test_labels)
    wrong = round((1 - tested.evaluation.accuracy) * len(digits.test_labels))
    assert len(tested.confident_errors.images) == wrong
    assert (tested.confident_errors.truth != tested.confident_errors.predicted).all()
    assert tested.train_seconds > 0
    assert plan.checkpoints(settings.store).newest_epoch() == 12


def test_an_interrupted_run_ends_in_the_same_weights_as_an_uninterrupted_one(
    train, digits_split, settings
):
    plan, alone = train(max_epochs=3)
    expected = weights(plan, settings)
    checkpoints = plan.checkpoints(settings.store)
    checkpoints.remove()

    joined = train_val_indices(digits_split)
    half = Trainer(
        plan.config,
        replace(digits_split, train=joined, val=joined[:0]),
        settings.compute(),
    )
    half.run_epoch()
    checkpoints.save(half)
    _, resumed = train(max_epochs=3)
    assert equal_weights(weights(plan, settings), expected)
    assert (resumed.evaluation.confusion == alone.evaluation.confusion).all()


def test_a_trained_run_is_tested_without_further_training(train, settings):
    _, first = train()
    _, second = train()
    assert second.train_seconds == first.train_seconds
    assert (second.evaluation.confusion == first.evaluation.confusion).all()


def test_seeds_determine_the_weights(train, settings):
    (one, _), (other, _) = train(seed=1), train(seed=2)
    assert not equal_weights(weights(one, settings), weights(other, settings))


def test_validation_images_are_trained_on(digits, digits_split, settings):
    joined = train_val_indices(digits_split)
    assert set(digits_split.val) < set(joined)
    plan = planned(len(joined))
    test = (digits.test_images, digits.test_labels)
    train_and_test(plan, digits_split, joined, *test, settings)
    with_all = weights(plan, settings)
    plan.checkpoints(settings.store).remove()
    train_and_test(plan, digits_split, digits_split.train, *test, settings)
    assert not equal_weights(weights(plan, settings), with_all)


def test_a_diverging_run_raises_a_one_line_error(train):
    _, failed = train(0.05, model="resnet", lr=1e20, optimizer="sgd", image_size=28)
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("diverged: ")
    assert "\n" not in failed.reason
    assert not failed.disk_full


def test_weights_that_diverge_in_the_last_batch_are_an_error(digits, digits_split, settings):
    plan = planned(32, model="alexnet", lr=1e30, optimizer="sgd", max_epochs=1, image_size=28)
    one_batch = digits_split.train[:32]
    test = (digits.test_images, digits.test_labels)
    failed = train_and_test(plan, digits_split, one_batch, *test, settings)
    assert isinstance(failed, Failed)
    assert_named("diverged 1e+30", failed.reason)


def test_a_stale_worker_of_a_killed_search_writes_nothing(train, settings):
    replace(settings.store, run="the next").start()
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        train()
    assert settings.store.names() == []


def test_the_hundred_most_confident_mistakes_are_kept():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 28, 28), dtype=np.uint8)
    truth = np.zeros(300, np.int64)
    predicted = np.arange(300) % 2
    probability = rng.random(300, dtype=np.float32)
    misclassified = select_misclassified(images, Classified(truth, predicted, probability))
    assert len(misclassified.images) == 100
    assert set(misclassified.predicted) == {1}
    assert list(misclassified.probability) == sorted(probability[1::2], reverse=True)[:100]
    surest = np.argmax(np.where(predicted == 1, probability, 0))
    assert (misclassified.images[0] == images[surest]).all()


def test_no_mistakes_give_an_empty_list():
    truth = np.arange(3)
    misclassified = select_misclassified(
        np.zeros((3, 28, 28), np.uint8), Classified(truth, truth, np.ones(3, np.float32))
    )
    assert misclassified.images.shape == (0, 28, 28)
