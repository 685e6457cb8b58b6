"""Schema of a space file; each error names file, key and remedy."""

from pathlib import Path

import pytest

from tests.messages import assert_named, refusal
from tune_mnist.tuning.spaces.space_file import SpaceFile, parse_space_file
from tune_mnist.tuning.spaces.yaml_text import read_text


def read_space_file(path: Path) -> SpaceFile:
    return parse_space_file(read_text(path), path)


TOP = "description: d\nmodel: resnet\n"
LR = "  lr: {type: float, low: 1.0e-4, high: 1.0e-1, log: true}\n"
GOOD = TOP + "parameters:\n" + LR


def refuse(path: Path, content: str) -> str:
    path.write_text(content)
    return refusal(read_space_file, path)


def refuses(path: Path, facts: str, content: str) -> None:
    assert_named(f"{path} {facts}", refuse(path, content))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("content", ["", "- a\n", "just words\n"])
def test_a_file_without_a_mapping_is_refused(path, content):
    refuses(path, "description model parameters", content)


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("'model'", "description: d\nparameters:\n" + LR),
        ("'parameters'", TOP),
        ("'model' 'parameters'", "description: d\n"),
        (
            "parameters.lr.low parameters.dropout.high",
            "model: resnet\nparameters:\n  lr: {type: float, high: 1}\n"
            "  dropout: {type: float, low: 0}\n",
        ),
    ],
)
def test_missing_keys_are_named(path, key, content):
    refuses(path, key, content)


def test_of_many_missing_keys_only_a_few_are_listed(path):
    parameters = "".join(f"  model.k{number}: {{type: float}}\n" for number in range(200))
    message = refuse(path, TOP + "parameters:\n" + parameters)
    assert_named("model.k0.low model.k1.high 390", message)
    assert len(message) < 1000


def test_the_description_may_be_missing(path):
    path.write_text("model: resnet\nparameters:\n" + LR)
    assert read_space_file(path).description == ""


@pytest.mark.parametrize(
    ("extra", "facts"),
    [
        ("baseline: []\n", "'baseline' 'baselines' description"),
        ("name: x\n", "'name' description"),
        ("float: x\n", "'float' description"),
        ("  dropout: {type: float, lo: 0, high: 0.5}\n", "'lo' parameters.dropout low"),
        ("  dropout: {type: int, low: 0, top: 5}\n", "'top' parameters.dropout high"),
        ("  dropout: {type: categorical, choice: [0]}\n", "'choice' parameters.dropout 'choices'"),
        ("defaults: {epochs: 3}\n", "'epochs' defaults 'max_epochs'"),
        ("fidelity: [{epochs: 1, size: 28}]\n", "'size' fidelity[1] 'image_size' fraction"),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones(path, extra, facts):
    refuses(path, facts, GOOD + extra)


@pytest.mark.parametrize(
    ("extra", "facts"),
    [
        ("  dropout: {low: 0, high: 0.5}\n", "parameters.dropout.type float int categorical"),
        ("  dropout: {type: flot, low: 0}\n", "parameters.dropout.type float int categorical"),
        ("  dropout: {type: float, low: 0}\n", "'parameters.dropout.high'"),
        ("  dropout: 0.5\n", "parameters.dropout 0.5"),
        ("  dropout: [0.5]\n", "parameters.dropout [0.5]"),
        ("  dropout: {type: float, low: tiny, high: 1}\n", "parameters.dropout.low 'tiny'"),
        ("  dropout: {type: float, low: .nan, high: 1}\n", "parameters.dropout.low nan"),
        ("  dropout: {type: float, low: 0, high: .inf}\n", "parameters.dropout.high inf"),
        ("  batch_size: {type: int, low: 1.5, high: 9}\n", "parameters.batch_size.low 1.5"),
        ("  batch_size: {type: int, low: true, high: 9}\n", "parameters.batch_size.low True"),
        ("  dropout: {type: float, low: 0, high: 1, log: 1}\n", "parameters.dropout.log 1"),
        ("  dropout: {type: categorical, choices: 0.5}\n", "parameters.dropout.choices 0.5"),
        ("  dropout: {type: categorical, choices: []}\n", "parameters.dropout choices"),
        ("  dropout: {type: categorical, choices: [1, null]}\n", "dropout.choices[2] None"),
        ("  dropout: {type: categorical, choices: [[1]]}\n", "dropout.choices[1] [1]"),
        ("  dropout: {type: categorical, choices: [.nan]}\n", "dropout.choices[1] nan"),
        ("  dropout: {type: categorical, choices: [1, 1]}\n", "parameters.dropout choices 1"),
        ("  dropout: {type: float, low: 0, high: 1, when: [sgd]}\n", "parameters.dropout.when"),
        ("baselines: {lr: 0.1}\n", "baselines"),
        ("baselines: [{lr: 0.1}, 0.1]\n", "baselines[2] 0.1"),
        ("baselines: [{lr: null}]\n", "baselines[1].lr None"),
        ("defaults: {fraction: 2}\n", "defaults.fraction 1 2"),
        ("defaults: {image_size: 8}\n", "defaults.image_size 28 8"),
        ("defaults: {num_samples: 1.5}\n", "defaults.num_samples 1.5"),
        ("defaults: {time_budget: 25m}\n", "defaults.time_budget '25m'"),
        ("defaults: {time_budget: .inf}\n", "defaults.time_budget inf"),
        ("fidelity: 28\n", "fidelity 28"),
        ("fidelity: [28]\n", "fidelity[1] 28"),
        ("fidelity: [{image_size: 28}]\n", "'fidelity[1].epochs'"),
        ("fidelity: [{epochs: 0, image_size: 28}]\n", "fidelity[1].epochs 1 0"),
        ("fidelity: [{epochs: 1, image_size: 0}]\n", "fidelity[1].image_size 0"),
        ("fidelity: [{epochs: 1, fraction: 0}]\n", "fidelity[1].fraction 0"),
        ("fidelity: [{epochs: 1}]\n", "fidelity 1 image_size fraction"),
        (
            "fidelity: [{epochs: 2, image_size: 28}, {epochs: 2, image_size: 64}]\n",
            "fidelity 2 epochs",
        ),
        (
            "fidelity: [{epochs: 1, image_size: 64}, {epochs: 2, image_size: 28}]\n",
            "fidelity 2 image_size",
        ),
        (
            "fidelity: [{epochs: 1, image_size: 28}, {epochs: 2, fraction: 0.5}]\n",
            "fidelity 2 fraction",
        ),
    ],
)
def test_an_invalid_value_is_named_with_its_key(path, extra, facts):
    refuses(path, facts, GOOD + extra)


@pytest.mark.parametrize(
    ("bounds", "facts"),
    [
        ("low: 1, high: 0.1", "parameters.lr low high 1 0.1"),
        ("low: 1, high: 1", "parameters.lr choices"),
        ("low: 0, high: 1, log: true", "parameters.lr low log 0"),
        ("low: 0.1, high: 1, log: true, step: 0.1", "parameters.lr step log"),
        ("low: 0.1, high: 1, step: 0.4", "parameters.lr high low step 0.4"),
        ("low: 0.1, high: 1, step: 0", "parameters.lr.step 0"),
    ],
)
def test_invalid_bounds_are_refused(path, bounds, facts):
    refuses(path, facts, f"{TOP}parameters:\n  lr: {{type: float, {bounds}}}\n")


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("", "model None"),
        ("[lenet, resnet]", "model 'lenet' 'resnet'"),
        ("{type: categorical, choice: [lenet]}", "'choice' model 'choices'"),
        ("{type: categorical, choices: []}", "model choices"),
    ],
)
def test_an_invalid_model_is_refused(path, model, facts):
    refuses(path, facts, f"description: d\nmodel: {model}\nparameters:\n{LR}")


def test_a_condition_may_be_one_value_or_several(path):
    path.write_text(
        GOOD + "  momentum: {type: float, low: 0, high: 0.9, when: {optimizer: sgd}}\n"
        "  dropout: {type: float, low: 0, high: 0.9, when: {optimizer: [sgd, adam]}}\n"
    )
    parameters = read_space_file(path).parameters
    assert parameters["momentum"].when == {"optimizer": ["sgd"]}
    assert parameters["dropout"].when == {"optimizer": ["sgd", "adam"]}


LONG = "x" * 50_000
MANY = "[" + "[a, b], " * 3000 + "]"


@pytest.mark.parametrize(
    "content",
    [
        f"description: {MANY}\nmodel: resnet\nparameters:\n{LR}",
        f"description: d\nmodel: {MANY}\nparameters:\n{LR}",
        f"{GOOD}{LONG}: 1\n",
        f"{GOOD}  dropout: {{{LONG}: 1, type: int, low: 0, high: 1}}\n",
        f"{GOOD}  dropout: {{type: {LONG}, low: 0, high: 1}}\n",
        f"{GOOD}  dropout: {{type: float, low: {LONG}, high: 1}}\n",
        f"{GOOD}  dropout: {{type: categorical, choices: [{'1, ' * 1001}]}}\n",
        f"{GOOD}  dropout: {{type: categorical, choices: [{LONG}, {LONG}]}}\n",
        f"{GOOD}  dropout: {{type: categorical, choices: [{MANY}]}}\n",
        f"{GOOD}baselines: [{{lr: {MANY}}}]\n",
    ],
)
def test_long_values_are_shortened_in_messages(path, content):
    assert len(refuse(path, content)) < 1000
