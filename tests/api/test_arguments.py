"""Arguments of the API; invalid ones raise one clear error line before anything is written."""

from functools import partial

import numpy as np
import pytest
import yaml

from tests.messages import assert_refused
from tune_mnist import run_search, run_training
from tune_mnist.api.calls import python_call
from tune_mnist.tuning.spaces.space import parse_space, shipped_spaces
from tune_mnist.tuning.spaces.space_dict import SPACE_NAME, space_from_dict

SPACE = {
    "description": "a few rates",
    "model": "lenet",
    "parameters": {"lr": {"type": "float", "low": 1e-5, "high": 0.1, "log": True}},
}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "options", "facts"),
    [
        (run_search, {"num_sample": 3}, "'num_sample' 'num_samples'"),
        (run_search, {"learning_rate": 0.1}, "'learning_rate' lr space"),
        (run_search, {"lr": 0.1}, "lr space"),
        (run_search, {"fraction_given": True}, "'fraction_given'"),
        (run_search, {"num_samples": 0}, "num_samples 1 0"),
        (run_search, {"scheduler": "ahsa"}, "'ahsa' 'asha'"),
        (run_search, {"space": "lenett"}, "'lenett' 'lenet'"),
        (run_search, {"space": 3}, "space int"),
        (run_search, {"trust_stored": True}, "--trust-stored --resume"),
        (run_search, {"resume": "nowhere"}, "nowhere"),
        (run_search, {"resume": "one", "name": "other"}, "--resume one --name other"),
        (run_search, {"dataset": 7}, "dataset int"),
        (run_search, {"dataset": (1, 2, 3)}, "dataset tuple"),
        (run_search, {"dataset": (1, 2, 3, 4)}, "x_train"),
        (run_training, {"dataset": 7, "lr": 0.1}, "dataset int"),
        (run_search, {"model.width": 12}, "'model.width'"),
        (run_search, {"name": "a/b"}, "--name 'a/b'"),
        (run_training, {"lr": 0.1, "epoch": 3}, "'epoch' 'epochs'"),
        (run_training, {}, "'lr'"),
        (run_training, {"lr": 0.1, "epochs": 0}, "epochs 1 0"),
        (run_training, {"lr": -1.0}, "lr 0 -1.0"),
        (run_training, {"model": "lenett", "lr": 0.1}, "'lenett' 'lenet'"),
        (run_training, {"lr": 0.1, "model.wide": 3}, "model.wide lenet"),
    ],
)
def test_an_invalid_argument_is_refused_in_one_line(call, options, facts):
    assert_refused(facts, call, **({"dataset": "digits"} | options))


@pytest.mark.parametrize("call", [run_search, partial(run_training, lr=0.1)])
@pytest.mark.parametrize("given", ["Dataset", "arrays", "path"])
def test_images_are_given_once(call, given, digits, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    arrays = (digits.train_images, digits.train_labels, digits.test_images, digits.test_labels)
    dataset = {"Dataset": digits, "arrays": arrays, "path": other}[given]
    assert_refused(["data_dir", str(other)], call, dataset=dataset, data_dir=other)


@pytest.mark.parametrize("call", [run_search, partial(run_training, lr=0.1)])
def test_images_in_memory_are_not_transposed(call, digits):
    assert_refused("transpose True", call, dataset=digits, transpose=True)


@pytest.mark.parametrize(
    ("space", "facts"),
    [
        ({}, "space: model parameters"),
        (SPACE | {"parameters": {"lrr": {}}}, "space: lrr"),
        (SPACE | {"baselines": [{"lr": object()}]}, "space: object"),
        (SPACE | {1: 2}, "space: key"),
    ],
)
def test_an_invalid_space_is_refused_in_one_line(space, facts):
    assert_refused(facts, run_search, space, dataset="digits")


def test_a_space_that_contains_itself_is_refused_in_one_line():
    space = dict(SPACE)
    space["parameters"] = space
    assert_refused("space:", run_search, space, dataset="digits")


def test_a_dict_gives_the_same_space_as_a_file():
    path = shipped_spaces() / "all.yaml"
    of_file = parse_space(path.read_text(), path)
    of_dict = space_from_dict(yaml.safe_load(path.read_text()))
    assert of_dict.name == SPACE_NAME
    assert of_dict.parameters == of_file.parameters
    assert of_dict.baselines == of_file.baselines
    assert of_dict.defaults == of_file.defaults


def test_a_space_may_hold_tuples_and_numpy_numbers():
    batch_sizes = {"type": "categorical", "choices": (np.int64(16), 32)}
    rate = {"type": "float", "low": np.float64(1e-5), "high": np.float32(0.5)}
    space = space_from_dict(SPACE | {"parameters": {"lr": rate, "batch_size": batch_sizes}})
    assert space.parameters["batch_size"].choices == [16, 32]
    assert (space.parameters["lr"].low, space.parameters["lr"].high) == (1e-5, 0.5)
    assert parse_space(space.text, space.path).parameters == space.parameters


def test_a_call_is_recorded_as_python_code_with_its_arguments(digits):
    given = {"space": None, "dataset": digits, "num_samples": 3, "name": "it's", "seed": 0}
    assert python_call("run_search", given) == (
        'run_search(dataset=<Dataset>, num_samples=3, name="it\'s", seed=0)'
    )
    arrays = (digits.train_images, digits.train_labels, digits.test_images, digits.test_labels)
    assert python_call("run_search", {"dataset": arrays}) == "run_search(dataset=<arrays>)"
