"""Constructor keywords of networks as parameters of a space."""

import pytest
import torch
from torch import nn

from tests.messages import assert_refused
from tune_mnist.models import register_model, registry
from tune_mnist.models.contract import check_network
from tune_mnist.tuning.spaces.architectures import check_networks, options_to_try
from tune_mnist.tuning.spaces.space import load_space, parse_space, shipped_spaces

pytestmark = pytest.mark.usefixtures("networks_forgotten")
TOP = "description: d\nmodel: {model}\nparameters:\n  lr: {{type: float, low: 0.1, high: 1.0}}\n"
BOTH = "{type: categorical, choices: [lenet, resnet]}"
BLOCKS = "{type: int, low: 1, high: 2, when: {model: resnet}}"
ARCHITECTURE_SPACES = sorted(file.stem for file in shipped_spaces().glob("*-architecture.yaml"))


def space_of(tmp_path, parameters, model="lenet"):
    return parse_space(TOP.format(model=model) + parameters, tmp_path / "mine.yaml")


def refuses(tmp_path, facts, parameters, model="lenet"):
    assert_refused(f"{tmp_path}/mine.yaml {facts}", space_of, tmp_path, parameters, model)


@pytest.mark.parametrize(
    ("parameters", "facts"),
    [
        (
            "  model.widht: {type: int, low: 2, high: 4}\n",
            "parameters.model.widht lenet width model.activation model.pooling model.width",
        ),
        ("  model.width: {type: int, low: 0, high: 4}\n", "parameters.model.width 1 0"),
        ("  model.width: {type: float, low: 1.0, high: 4.0}\n", "parameters.model.width 1.0"),
        (
            "  model.pooling: {type: categorical, choices: [avg, mean]}\n",
            "parameters.model.pooling avg max mean",
        ),
        (
            "  model.num_classes: {type: int, low: 2, high: 4}\n",
            "parameters.model.num_classes lenet",
        ),
    ],
)
def test_a_value_that_the_annotation_forbids_is_refused(tmp_path, parameters, facts):
    refuses(tmp_path, facts, parameters)


def test_a_range_with_a_forbidden_value_is_refused(tmp_path):
    depths = "  model.depth: {type: int, low: 11, high: 16}\n"
    refuses(tmp_path, "parameters.model.depth 11 13 16 12", depths, "vggnet")


def test_a_keyword_of_some_architectures_needs_a_condition(tmp_path):
    blocks = "  model.blocks: {type: int, low: 1, high: 2}\n"
    refuses(tmp_path, "parameters.model.blocks lenet {model: [resnet]}", blocks, BOTH)
    space = space_of(tmp_path, f"  model.blocks: {BLOCKS}\n", BOTH)
    assert set(space.parameter_names) == {"model", "lr", "model.blocks"}


def test_a_condition_may_name_another_keyword_of_the_architecture(tmp_path):
    width = "  model.width: {type: int, low: 8, high: 9, when: {model.blocks: 2}}\n"
    space = space_of(tmp_path, f"  model.blocks: {BLOCKS}\n{width}", BOTH)
    tried = options_to_try(space.parameters, space.models, "resnet")
    assert {"blocks": 2, "width": 9} in tried
    assert {"blocks": 1} in tried
    assert all("width" not in options for options in tried if options["blocks"] == 1)


def test_the_range_of_a_keyword_must_suit_all_architectures(tmp_path):
    width = "  model.width: {type: int, low: 1, high: 32}\n"
    refuses(tmp_path, "parameters.model.width 4 1", width, BOTH)


@pytest.mark.parametrize("name", ARCHITECTURE_SPACES)
def test_shipped_spaces_search_all_keywords_of_their_network(name):
    space = load_space(name)
    keywords = registry.get_architecture(space.models[0]).keywords
    assert {word.key for word in keywords.values()} <= set(space.parameter_names)


def register(returns, **contract):
    @register_model("mine", **({"head": "head"} | contract))
    class Mine(nn.Module):
        def __init__(self, num_classes: int, in_channels: int, depth: int = 1):
            super().__init__()
            self.body = nn.Sequential(
                *(nn.Conv2d(in_channels, in_channels, 9) for _ in range(depth))
            )
            self.head = nn.Linear(in_channels, num_classes)
            self.other = nn.Linear(1, 1)

        def forward(self, images):
            return returns(self.head(self.body(images).mean(dim=(2, 3))))


DEPTH = "  model.depth: {type: int, low: 1, high: 6}\n"


@pytest.mark.parametrize(
    ("returns", "contract", "facts"),
    [
        (lambda logits: logits[:, :2], {}, ["(2, 10)", "(2, 2)"]),
        (lambda logits: (logits, 1), {}, ["(2, 10)", "tuple"]),
        (lambda logits: logits.argmax(1, keepdim=True).expand(2, 10), {}, ["torch.int64"]),
        (lambda logits: logits / (1 // 0), {}, ["ZeroDivisionError"]),
        (lambda logits: logits, {"head": "other"}, ["head", "other", "1"]),
        (lambda logits: logits, {"head": "body"}, ["head", "Linear", "Conv2d"]),
        (lambda logits: logits, {}, ["depth=6", "(2, 1, 28, 28)", "RuntimeError"]),
    ],
)
def test_a_network_without_logits_is_refused(tmp_path, returns, contract, facts):
    register(returns, **contract)
    space = space_of(tmp_path, DEPTH, "mine")
    named = ["mine", "num_classes=10", "in_channels=1", *facts]
    assert_refused(named, check_networks, space.parameters, space.models, 10, 1, [28])


def divided(logits):
    return logits / (1 // 0)


def test_the_error_of_a_network_names_the_line_that_failed(tmp_path):
    register(divided)
    space = space_of(tmp_path, DEPTH, "mine")
    line = divided.__code__.co_firstlineno + 1
    place = [__file__, str(line)]
    assert_refused(place, check_networks, space.parameters, space.models, 10, 1, [28])


def test_a_valid_network_is_accepted(tmp_path):
    register(lambda logits: logits if logits.sum() < 1e9 else -logits)  # depends on a value
    state = torch.get_rng_state()
    space = space_of(tmp_path, DEPTH.replace("6", "3"), "mine")
    check_networks(space.parameters, space.models, 10, 3, [28, 64])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_keyword_without_default_must_be_a_parameter(tmp_path):
    @register_model("needy", head="head")
    class Needy(nn.Module):
        def __init__(self, num_classes, in_channels, depth: int):
            super().__init__()

    refuses(tmp_path, "parameters model.depth", "", "needy")
    conditional = (
        "  optimizer: {type: categorical, choices: [sgd, adam]}\n"
        "  model.depth: {type: int, low: 1, high: 2, when: {optimizer: sgd}}\n"
    )
    refuses(tmp_path, "parameters.model.depth.when model", conditional, "needy")
    assert space_of(tmp_path, DEPTH, "needy").typical_networks == {"needy": {"depth": 3}}


def test_dropout_needs_a_network_that_takes_it(tmp_path):
    register(lambda logits: logits)
    dropout = "  dropout: {type: float, low: 0.0, high: 0.5}\n"
    refuses(tmp_path, "parameters.dropout mine", dropout, "mine")


@pytest.mark.parametrize("name", ARCHITECTURE_SPACES)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_of_shipped_spaces_return_logits_at_the_smallest_size(name, channels):
    space = load_space(name)
    (model,) = space.models
    for options in options_to_try(space.parameters, space.models, model):
        check_network(model, 10, channels, 28, options, values=False)
