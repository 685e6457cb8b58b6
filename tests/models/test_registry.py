from typing import Annotated, Literal

import pytest
import torch
from pydantic import Field
from torch import nn

from tests.messages import assert_refused
from tune_mnist.models import count_parameters, create_model, get_architecture, outline, registry
from tune_mnist.training import TrainConfig


def small_network(name="mine", **contract):
    @registry.register_model(name, **({"head": "head"} | contract))
    class Mine(nn.Module):
        def __init__(
            self,
            num_classes: int,
            in_channels: int,
            width: Annotated[int, Field(ge=1, le=32)] = 8,
            kind: Literal["plain", "wide"] = "plain",
            slope: float = 0.1,
            anything=None,
        ):
            super().__init__()
            self.head = nn.Linear(width, num_classes)
            self.body = nn.Conv2d(in_channels, width, 3)

        def forward(self, images):
            return self.head(self.body(images).mean(dim=(2, 3)))

    return Mine


def test_a_registered_network_is_built_with_its_keywords():
    small_network()
    model = create_model("mine", num_classes=3, in_channels=3, options={"width": 5})
    assert model(torch.rand(2, 3, 28, 28)).shape == (2, 3)
    assert model.body.out_channels == 5


def test_the_head_is_the_named_layer_and_not_the_last_one():
    small_network()
    torch.manual_seed(0)
    model = create_model("mine", num_classes=2, options={"width": 32})
    # With Kaiming's initialization, the head's weights would be unbounded, with deviation 0.25.
    assert model.head.weight.abs().max() <= (6 / (32 + 2)) ** 0.5


@pytest.mark.parametrize(("activation", "gain"), [("sigmoid", 4.0), ("tanh", 1.0)])
def test_weights_are_initialized_for_the_chosen_activation(activation, gain):
    layer = create_model("lenet", options={"activation": activation}).classifier[1]
    bound = gain * (6 / (400 + 120)) ** 0.5
    assert 0.95 * bound < layer.weight.abs().max() <= bound


def test_a_network_without_activation_keeps_the_weights_of_its_constructor():
    small_network(activation=None)
    torch.manual_seed(0)
    ours = create_model("mine")
    torch.manual_seed(0)
    theirs = get_architecture("mine").build(10, 1)
    assert torch.equal(ours.body.weight, theirs.body.weight)
    assert ours.body.bias.abs().sum() > 0


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"widht": 8}, "model.widht mine 'width'"),
        ({"width": 0}, "model.width 1 0"),
        ({"width": 8.5}, "model.width whole 8.5"),
        ({"width": True}, "model.width whole True"),
        ({"kind": "round"}, "model.kind 'plain' 'wide' 'round'"),
        ({"slope": float("inf")}, "model.slope finite inf"),
        ({"anything": 1}, "model.anything"),
        ({"num_classes": 3}, "model.num_classes mine"),
    ],
)
def test_a_value_outside_the_signature_is_refused(options, facts):
    small_network()
    assert_refused(facts, create_model, "mine", options=options)


def test_a_configuration_has_the_keywords_as_flat_keys():
    small_network()
    config = TrainConfig.checked(model="mine", lr=0.1, **{"model.width": 4, "model.slope": 1})
    assert config.model_options == {"width": 4, "slope": 1.0}
    assert TrainConfig.checked(**config.flat()) == config
    assert config.flat()["model.width"] == 4
    given = {"model": "mine", "lr": 0.1, "model.width": 40}
    assert_refused("model.width 32 40", TrainConfig.checked, **given)


def test_a_keyword_without_a_default_is_required():
    @registry.register_model("needy", head="head")
    class Needy(nn.Module):
        def __init__(self, num_classes, in_channels, depth: int):
            super().__init__()

    assert_refused("'model.depth' needy", TrainConfig.checked, model="needy", lr=0.1)


def test_a_network_without_dropout_refuses_it():
    small_network()
    assert_refused("mine dropout", create_model, "mine", dropout=0.1)


class Lacking(nn.Module):
    def __init__(self, in_channels):
        super().__init__()


@pytest.mark.parametrize(
    ("build", "contract", "facts"),
    [
        (dict, {}, "register_model('broken') dict torch.nn.Module"),
        (lambda: None, {}, "register_model('broken') torch.nn.Module"),
        (Lacking, {}, "register_model('broken') Lacking num_classes"),
        (Lacking, {"name": "lenet"}, "register_model('lenet')"),
        (Lacking, {"name": "TooWide/.."}, "register_model('TooWide/..')"),
    ],
)
def test_a_class_that_breaks_the_contract_is_refused(build, contract, facts):
    register = registry.register_model(**({"name": "broken", "head": "head"} | contract))
    assert_refused(facts, register, build)


@pytest.mark.parametrize(
    ("contract", "facts"),
    [
        ({"activation": "rleu"}, "register_model('mine') 'rleu' 'relu'"),
        ({"fixed_size": 4}, "register_model('mine') fixed_size 8 1024 4"),
        ({"head": ""}, "register_model('mine') head"),
    ],
)
def test_an_invalid_property_is_refused(contract, facts):
    assert_refused(facts, small_network, **contract)


def test_a_registered_name_is_refused():
    small_network()
    assert_refused("register_model('mine')", small_network)


def test_a_missing_head_is_refused_by_name():
    small_network(head="classifier.9")
    assert_refused("'classifier.9'", create_model, "mine")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lenet", {"activation": "relu", "pooling": "max", "width": 12}),
        ("lenet", {"width": 1}),
        ("alexnet", {"width": 3}),
        ("resnet", {"width": 8, "blocks": 1}),
        ("vggnet", {"depth": 13, "width": 4}),
        ("vggnet", {"depth": 16, "width": 2, "batch_norm": True}),
    ],
)
def test_shipped_networks_offer_keywords(name, options):
    size = get_architecture(name).input_size(32)
    model = create_model(name, num_classes=4, image_size=32, in_channels=3, options=options)
    assert model(torch.rand(2, 3, size, size)).shape == (2, 4)
    assert count_parameters(model) != count_parameters(outline(name, 4, in_channels=3))


def test_the_parameters_of_vgg_16_agree_with_its_paper():
    # 138,357,544 with 1,000 classes and three channels.
    network = outline("vggnet", 256, in_channels=3, options={"depth": 16})
    assert count_parameters(network) == 138_357_544 - (1000 - 256) * 4097


def test_a_network_whose_constructor_reads_a_tensor_has_an_outline():
    @registry.register_model("reading", head="head")
    class Reading(nn.Module):
        def __init__(self, num_classes, in_channels):
            super().__init__()
            self.rates = [rate.item() for rate in torch.linspace(0, 1, 3)]
            self.head = nn.Linear(in_channels, num_classes)

    assert outline("reading").head.out_features == 10


def test_a_notebook_cell_can_register_a_network_again(monkeypatch):
    def cell(width):
        class Mine(nn.Module):
            def __init__(self, num_classes, in_channels, width: int = width):
                super().__init__()
                self.head = nn.Linear(width, num_classes)

        Mine.__module__, Mine.__qualname__ = "__main__", "Mine"
        return registry.register_model("mine", head="head")(Mine)

    cell(3)
    assert_refused("register_model('mine')", cell, 4)
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    cell(5)
    assert create_model("mine").head.in_features == 5
