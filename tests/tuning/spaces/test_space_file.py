"""Schema of a space file; each error names file, key and remedy."""

from pathlib import Path

import pytest

from tune_mnist.errors import UserError
from tune_mnist.tuning.spaces.space_file import SpaceFile, parse_space_file
from tune_mnist.tuning.spaces.yaml_text import read_text


def read_space_file(path: Path) -> SpaceFile:
    return parse_space_file(read_text(path), path)


TOP = "description: d\nmodel: resnet\n"
LR = "  lr: {type: float, low: 1.0e-4, high: 1.0e-1, log: true}\n"
GOOD = TOP + "parameters:\n" + LR


def refusal(path: Path, content: str) -> str:
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_space_file(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("content", ["", "- a\n", "just words\n"])
def test_a_file_without_a_mapping_is_refused(path, content):
    assert "description, model, parameters" in refusal(path, content)


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("description", "model: resnet\nparameters:\n" + LR),
        ("model", "description: d\nparameters:\n" + LR),
        ("parameters", TOP),
    ],
)
def test_a_missing_key_is_named(path, key, content):
    assert refusal(path, content) == f"'{key}' is missing"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("baseline: []\n", "unknown key 'baseline' (did you mean 'baselines'?); known keys are"),
        ("name: x\n", "unknown key 'name'; known keys are description"),
        ("float: x\n", "unknown key 'float'; known keys are description"),
        ("  dropout: {type: float, lo: 0, high: 0.5}\n", "'lo' in parameters.dropout (did you"),
        (
            "  dropout: {type: int, low: 0, top: 5}\n",
            "'top' in parameters.dropout; known keys are",
        ),
        ("  dropout: {type: categorical, choice: [0]}\n", "(did you mean 'choices'?)"),
        ("defaults: {epochs: 3}\n", "'epochs' in defaults (did you mean 'max_epochs'?)"),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones(path, extra, words):
    assert words in refusal(path, GOOD + extra)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("  dropout: {low: 0, high: 0.5}\n", "parameters.dropout.type must be float, int or"),
        ("  dropout: {type: flot, low: 0}\n", "parameters.dropout.type must be float, int or"),
        ("  dropout: {type: float, low: 0}\n", "'parameters.dropout.high' is missing"),
        ("  dropout: 0.5\n", "parameters.dropout must be a mapping"),
        ("  dropout: [0.5]\n", "parameters.dropout must be a mapping"),
        (
            "  dropout: {type: float, low: tiny, high: 1}\n",
            "dropout.low must be a number, but is 'tiny'",
        ),
        ("  dropout: {type: float, low: .nan, high: 1}\n", "dropout.low must be a finite"),
        ("  dropout: {type: float, low: 0, high: .inf}\n", "dropout.high must be a finite"),
        (
            "  batch_size: {type: int, low: 1.5, high: 9}\n",
            "batch_size.low must be a whole number, but is 1.5",
        ),
        (
            "  batch_size: {type: int, low: true, high: 9}\n",
            "low must be a whole number, but is True",
        ),
        (
            "  dropout: {type: float, low: 0, high: 1, log: 1}\n",
            "log must be true or false, but is 1",
        ),
        ("  dropout: {type: categorical, choices: 0.5}\n", "choices must be a list"),
        (
            "  dropout: {type: categorical, choices: []}\n",
            "dropout: choices must have at least one value",
        ),
        (
            "  dropout: {type: categorical, choices: [1, null]}\n",
            "choices[2] must be a number, a text, true or false, but is None",
        ),
        (
            "  dropout: {type: categorical, choices: [[1]]}\n",
            "choices[1] must be a number, a text, true or false, but is [1]",
        ),
        (
            "  dropout: {type: categorical, choices: [.nan]}\n",
            "choices[1] must be a finite number, but is nan",
        ),
        ("  dropout: {type: categorical, choices: [1, 1]}\n", "dropout: choices lists 1 twice"),
        (
            "  dropout: {type: float, low: 0, high: 1, when: [sgd]}\n",
            "dropout.when must be a mapping",
        ),
        ("baselines: {lr: 0.1}\n", "baselines must be a list"),
        ("baselines: [{lr: 0.1}, 0.1]\n", "baselines[2] must be a mapping"),
        ("baselines: [{lr: null}]\n", "baselines[1].lr must be a number"),
        ("defaults: {fraction: 2}\n", "defaults.fraction must be at most 1, but is 2"),
        ("defaults: {image_size: 8}\n", "image_size must be at least 28, but is 8"),
        (
            "defaults: {num_samples: 1.5}\n",
            "defaults.num_samples must be a whole number, but is 1.5",
        ),
        ("defaults: {time_budget: 25m}\n", "defaults.time_budget must be a number, but is '25m'"),
        ("defaults: {time_budget: .inf}\n", "defaults.time_budget must be at most"),
        ("fidelity: 28\n", "fidelity must be a list"),
        ("fidelity: [28]\n", "fidelity[1] must be a mapping"),
        ("fidelity: [{image_size: 28}]\n", "'fidelity[1].epochs' is missing"),
        ("fidelity: [{epochs: 0, image_size: 28}]\n", "fidelity[1].epochs must be at least 1"),
        ("fidelity: [{epochs: 1, image_size: 0}]\n", "fidelity[1].image_size must be at least"),
        ("fidelity: [{epochs: 1, fraction: 0}]\n", "fidelity[1].fraction must be greater"),
        (
            "fidelity: [{epochs: 1, size: 28}]\n",
            "unknown key 'size' in fidelity[1] (did you mean 'image_size'?); known keys are",
        ),
        ("fidelity: [{epochs: 1}]\n", "fidelity: stage 1 must set image_size or fraction"),
        (
            "fidelity: [{epochs: 2, image_size: 28}, {epochs: 2, image_size: 64}]\n",
            "fidelity: stage 2: epochs must be more than the 2 ",
        ),
        (
            "fidelity: [{epochs: 1, image_size: 64}, {epochs: 2, image_size: 28}]\n",
            "fidelity: stage 2: image_size must be at least",
        ),
        (
            "fidelity: [{epochs: 1, image_size: 28}, {epochs: 2, fraction: 0.5}]\n",
            "fidelity: stage 2: fraction must be at least",
        ),
    ],
)
def test_an_invalid_value_is_named_with_key_and_remedy(path, extra, words):
    assert words in refusal(path, GOOD + extra)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ("low: 1, high: 0.1", "parameters.lr: low (1) must be less than high (0.1)"),
        ("low: 1, high: 1", "choices: [value]"),
        (
            "low: 0, high: 1, log: true",
            "parameters.lr: low must be greater than 0 with log: true, but is 0",
        ),
        ("low: 0.1, high: 1, log: true, step: 0.1", "step cannot be combined with log: true"),
        (
            "low: 0.1, high: 1, step: 0.4",
            "parameters.lr: high - low must be a multiple of step (0.4)",
        ),
        ("low: 0.1, high: 1, step: 0", "parameters.lr.step must be greater than 0, but is 0"),
    ],
)
def test_invalid_bounds_are_refused(path, bounds, words):
    content = f"{TOP}parameters:\n  lr: {{type: float, {bounds}}}\n"
    assert words in refusal(path, content)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("", "model must be text, but is None"),
        ("[lenet, resnet]", "model must be text, but is ['lenet', 'resnet']"),
        ("{type: categorical, choice: [lenet]}", "'choice' in model (did you mean 'choices'?)"),
        ("{type: categorical, choices: []}", "model: choices must have at least one value"),
    ],
)
def test_an_invalid_model_is_refused(path, model, words):
    content = f"description: d\nmodel: {model}\nparameters:\n{LR}"
    assert words in refusal(path, content)


def test_a_condition_may_be_one_value_or_several(path):
    path.write_text(
        GOOD + "  momentum: {type: float, low: 0, high: 0.9, when: {optimizer: sgd}}\n"
        "  dropout: {type: float, low: 0, high: 0.9, when: {optimizer: [sgd, adam]}}\n"
    )
    parameters = read_space_file(path).parameters
    assert parameters["momentum"].needs("optimizer") == ["sgd"]
    assert parameters["dropout"].needs("optimizer") == ["sgd", "adam"]


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
    assert len(refusal(path, content)) < 1000
