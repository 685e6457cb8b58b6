"""Constructor keywords of networks as parameters of a space."""

import pytest
import torch
from torch import nn

from tune_mnist.errors import UserError
from tune_mnist.models import register_model, registry
from tune_mnist.models.contract import check_network
from tune_mnist.tuning.spaces.architectures import check_networks, options_to_try
from tune_mnist.tuning.spaces.space import load_space, parse_space

TOP = "description: d\nmodel: {model}\nparameters:\n  lr: {{type: float, low: 0.1, high: 1.0}}\n"
BOTH = "{type: categorical, choices: [lenet, resnet]}"
BLOCKS = "{type: int, low: 1, high: 2, when: {model: resnet}}"


@pytest.fixture(autouse=True)
def registered_models_are_forgotten():
    yield
    for name in set(registry._registered) - set(registry.SHIPPED):
        del registry._registered[name]


def space_of(tmp_path, parameters, model="lenet"):
    return parse_space(TOP.format(model=model) + parameters, tmp_path / "mine.yaml")


def refusal(tmp_path, parameters, model="lenet"):
    with pytest.raises(UserError) as caught:
        space_of(tmp_path, parameters, model)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{tmp_path / 'mine.yaml'}: ")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            "  model.widht: {type: int, low: 2, high: 4}\n",
            "parameters.model.widht: lenet has no such keyword argument (did you mean 'width'?);"
            " it takes model.activation, model.pooling, model.width",
        ),
        (
            "  model.width: {type: int, low: 0, high: 4}\n",
            "parameters.model.width must be at least 1, but is 0",
        ),
        (
            "  model.width: {type: float, low: 1.0, high: 4.0}\n",
            "parameters.model.width must be a whole number, but is 1.0",
        ),
        (
            "  model.pooling: {type: categorical, choices: [avg, mean]}\n",
            "parameters.model.pooling must be 'avg' or 'max', but is 'mean'",
        ),
        (
            "  model.num_classes: {type: int, low: 2, high: 4}\n",
            "parameters.model.num_classes: lenet has no such keyword",
        ),
    ],
)
def test_a_value_that_the_annotation_forbids_is_refused(tmp_path, parameters, words):
    assert words in refusal(tmp_path, parameters)


def test_a_range_with_a_forbidden_value_is_refused(tmp_path):
    words = refusal(tmp_path, "  model.depth: {type: int, low: 11, high: 16}\n", "vggnet")
    assert "model.depth must be 11, 13 or 16, but is 12" in words


def test_a_keyword_of_some_architectures_needs_a_condition(tmp_path):
    words = refusal(tmp_path, "  model.blocks: {type: int, low: 1, high: 2}\n", BOTH)
    assert words.startswith("parameters.model.blocks is not accepted by")
    assert "lenet" in words
    assert "when: {model: [resnet]}" in words
    space = space_of(tmp_path, f"  model.blocks: {BLOCKS}\n", BOTH)
    assert space.parameter_names == ("model", "lr", "model.blocks") or set(
        space.parameter_names
    ) == {"model", "lr", "model.blocks"}


def test_a_condition_may_name_another_keyword_of_the_architecture(tmp_path):
    width = "  model.width: {type: int, low: 8, high: 9, when: {model.blocks: 2}}\n"
    space = space_of(tmp_path, f"  model.blocks: {BLOCKS}\n{width}", BOTH)
    tried = options_to_try(space.parameters, space.models, "resnet")
    assert {"blocks": 2, "width": 9} in tried
    assert {"blocks": 1} in tried
    assert all("width" not in options for options in tried if options["blocks"] == 1)


def test_the_range_of_a_keyword_must_suit_all_architectures(tmp_path):
    words = refusal(tmp_path, "  model.width: {type: int, low: 1, high: 32}\n", BOTH)
    assert "model.width must be at least 4, but is 1" in words


@pytest.mark.parametrize("name", [f"{model}-architecture" for model in registry.SHIPPED])
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
    ("returns", "contract", "words"),
    [
        (
            lambda logits: logits[:, :2],
            {},
            "must return logits, float (2, 10), but returns the shape (2, 2)",
        ),
        (lambda logits: (logits, 1), {}, "must return logits, float (2, 10), but returns tuple"),
        (lambda logits: logits.argmax(1, keepdim=True).expand(2, 10), {}, "returns torch.int64"),
        (lambda logits: logits / (1 // 0), {}, "fails: ZeroDivisionError: integer division"),
        (
            lambda logits: logits,
            {"head": "other"},
            "head must be the layer that returns the logits, but other has 1",
        ),
        (
            lambda logits: logits,
            {"head": "body"},
            "head must be the path of a Linear or Conv2d layer",
        ),
        (lambda logits: logits, {}, "depth=6) on a batch (2, 1, 28, 28) fails: RuntimeError:"),
    ],
)
def test_a_network_without_logits_is_refused(tmp_path, returns, contract, words):
    register(returns, **contract)
    space = space_of(tmp_path, DEPTH, "mine")
    with pytest.raises(UserError) as caught:
        check_networks(space.parameters, space.models, 10, 1, [28])
    assert str(caught.value).startswith("network mine (num_classes=10, in_channels=1, depth=")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def divided(logits):
    return logits / (1 // 0)


def test_the_error_of_a_network_names_the_line_that_failed(tmp_path):
    register(divided)
    space = space_of(tmp_path, DEPTH, "mine")
    with pytest.raises(UserError) as caught:
        check_networks(space.parameters, space.models, 10, 1, [28])
    line = divided.__code__.co_firstlineno + 1
    assert str(caught.value).endswith(f"({__file__}, line {line})")


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

    assert "parameters: 'model.depth' is missing" in refusal(tmp_path, "", "needy")
    conditional = (
        "  optimizer: {type: categorical, choices: [sgd, adam]}\n"
        "  model.depth: {type: int, low: 1, high: 2, when: {optimizer: sgd}}\n"
    )
    assert "parameters.model.depth.when may only refer to the model" in refusal(
        tmp_path, conditional, "needy"
    )
    assert space_of(tmp_path, DEPTH, "needy").typical_networks == {"needy": {"depth": 3}}


def test_dropout_needs_a_network_that_takes_it(tmp_path):
    register(lambda logits: logits)
    words = refusal(tmp_path, "  dropout: {type: float, low: 0.0, high: 0.5}\n", "mine")
    assert words.startswith("parameters.dropout is not accepted by")
    assert "mine" in words


@pytest.mark.parametrize("name", [f"{model}-architecture" for model in registry.SHIPPED])
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_of_shipped_spaces_return_logits_at_the_smallest_size(name, channels):
    space = load_space(name)
    (model,) = space.models
    for options in options_to_try(space.parameters, space.models, model):
        check_network(model, 10, channels, 28, options, values=False)
