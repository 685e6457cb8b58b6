import pytest

from tune_mnist.training import (
    CONFIG_COLUMNS,
    HYPERPARAMETERS,
    REQUIRED,
    SEARCHABLE,
    hyperparameter,
    ordered_keys,
)


def test_every_hyperparameter_has_a_description():
    assert all(declared.help.endswith(".") for declared in HYPERPARAMETERS.values())


def test_settings_of_the_whole_search_are_not_searchable():
    assert set(SEARCHABLE).isdisjoint({"model", "init", "image_size", "max_epochs", "seed"})
    assert REQUIRED == ("lr",)


def test_headings_and_labels_are_unique():
    headings = [hyperparameter(name).heading or name for name in CONFIG_COLUMNS]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("lr", 0.00123456, "1.23e-03"),
        ("dropout", 0.25, "0.25"),
        ("dropout", 0.0, "0.00"),
        ("dropout", 0.001, "0.001"),
        ("weight_decay", 0.0, "0.0e+00"),
        ("batch_size", 64.0, "64"),
        ("optimizer", "adam", "adam"),
        ("model.slope", 0.1, "0.1"),
        ("model.slope", 1e-9, "1e-09"),
        ("model.slope", 0.123456, "0.123"),
        ("model.width", 4096.0, "4096"),
        ("model.width", 96, "96"),
        ("model.batch_norm", True, "True"),
    ],
)
def test_small_numbers_are_not_rounded_to_zero(key, value, shown):
    assert hyperparameter(key).show(value) == shown


def test_keywords_of_the_architecture_come_after_the_declared_hyperparameters():
    keys = ("number", "model.width", "lr", "optimizer", "model", "accuracy")
    assert ordered_keys(keys) == ("model", "optimizer", "lr", "model.width")


@pytest.mark.parametrize(
    ("key", "value", "label"),
    [
        ("ema", 0.999, "ema=0.999"),
        ("ema", 0.99, "ema=0.99"),
        ("lr", 0.99996, "lr=0.99996"),
        ("lr", 0.00123456, "lr=0.0012"),
        ("lr", 1.04, "lr=1"),
        ("batch_size", 128, "batch=128"),
    ],
)
def test_a_label_rounds_a_fraction_never_up_to_one(key, value, label):
    assert hyperparameter(key).labelled(value) == label
