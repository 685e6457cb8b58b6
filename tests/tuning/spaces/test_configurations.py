"""Equality of configurations, and enumeration of small spaces."""

from pathlib import Path

from tune_mnist.tuning.spaces.configurations import (
    configuration_key,
    is_whole,
    list_configurations,
)
from tune_mnist.tuning.spaces.space import load_space, parse_space

SPACE = parse_space(
    """
description: a condition, and steps
model: lenet
parameters:
  lr: {type: float, low: 0.1, high: 0.3, step: 0.1}
  optimizer: {type: categorical, choices: [sgd, adam]}
  momentum: {type: categorical, choices: [0.0, 0.9], when: {optimizer: sgd}}
""",
    Path("conditional.yaml"),
)


def test_every_configuration_is_listed_once_with_its_conditions():
    listed = list_configurations(SPACE, "lenet")
    assert len(listed) == 3 * (2 + 1)
    assert len({configuration_key(SPACE, each) for each in listed}) == 9
    assert all(("momentum" in each) == (each["optimizer"] == "sgd") for each in listed)
    assert all(is_whole(SPACE, each) for each in listed)


def test_an_infinite_space_is_not_listed():
    assert list_configurations(load_space("lenet"), "lenet") is None
    fine = SPACE.text.replace("step: 0.1", "step: 0.000001")
    assert list_configurations(parse_space(fine, Path("fine.yaml")), "lenet") is None


def test_a_finite_architecture_is_listed_beside_a_continuous_one():
    text = """
description: one of two
model: {type: categorical, choices: [lenet, resnet]}
parameters:
  lr: {type: categorical, choices: [0.1, 0.2]}
  dropout: {type: float, low: 0.0, high: 0.5, when: {model: resnet}}
"""
    space = parse_space(text, Path("two.yaml"))
    assert list_configurations(space, "resnet") is None
    assert list_configurations(space, "lenet") == [
        {"model": "lenet", "lr": 0.1},
        {"model": "lenet", "lr": 0.2},
    ]


def test_values_are_compared_in_single_precision():
    one = {"lr": 0.3, "optimizer": "adam"}
    same = {"lr": 0.30000000000000004, "optimizer": "adam", "momentum": 0.9}
    other = {"lr": 0.3001, "optimizer": "adam"}
    assert configuration_key(SPACE, one) == configuration_key(SPACE, same)
    assert configuration_key(SPACE, one) != configuration_key(SPACE, other)


def test_a_configuration_without_all_values_is_incomplete():
    assert not is_whole(SPACE, {"lr": 0.3, "optimizer": "sgd"})
    assert not is_whole(SPACE, {"optimizer": "adam"})
