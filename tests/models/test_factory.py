import pytest
import torch

from tests.messages import assert_refused
from tune_mnist.models import count_parameters, create_model, get_architecture, model_names
from tune_mnist.models.layers import BatchNorm


def without_values(name, **arguments):
    """Return a network with shapes but no values: initializing VGG takes a second."""
    with torch.device("meta"):
        return create_model(name, **arguments)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lenet", 61_706),
        ("alexnet", 46_764_746),
        ("resnet", 11_178_378),
        ("vggnet", 128_806_154),
    ],
)
def test_parameter_counts_at_full_size(name, parameters):
    assert count_parameters(without_values(name)) == parameters


@pytest.mark.parametrize("name", ["alexnet", "resnet", "vggnet"])
@pytest.mark.parametrize("size", [28, 64, 112])
def test_reduced_image_size_keeps_the_parameters_and_gives_logits(name, size):
    model = create_model(name, num_classes=7, image_size=size)
    full = without_values(name, num_classes=7)
    assert count_parameters(model) == count_parameters(full)
    assert model(torch.rand(2, 1, size, size)).shape == (2, 7)


def test_adaptive_pooling_is_the_identity_at_full_size():
    maps = torch.empty(1, 1, 224, 224, device="meta")
    for name, side in (("alexnet", 5), ("vggnet", 7)):
        features = without_values(name).features(maps)
        assert features.shape[-2:] == (side, side)


def test_the_input_of_lenet_is_always_32_pixels():
    assert get_architecture("lenet").input_size(224) == 32
    assert create_model("lenet", image_size=224)(torch.rand(3, 1, 32, 32)).shape == (3, 10)


@pytest.mark.parametrize("name", model_names())
def test_dropout_is_active_in_training_only(name):
    size = get_architecture(name).input_size(32)
    model = create_model(name, dropout=0.5, image_size=32)
    image = torch.rand(2, 1, size, size)
    assert not torch.equal(model.train()(image), model(image))
    assert torch.equal(model.eval()(image), model(image))


@pytest.mark.parametrize("name", model_names())
def test_untrained_networks_are_near_chance_level(name):
    torch.manual_seed(0)
    size = get_architecture(name).input_size(64)
    logits = create_model(name, image_size=64)(torch.rand(16, 1, size, size))
    loss = torch.nn.functional.cross_entropy(logits, torch.arange(16) % 10)
    assert 1.5 < loss.item() < 7


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"name": "lenett"}, "'lenett' 'lenet'"),
        ({"name": "lenet", "dropout": 1.0}, "dropout 0 1 1.0"),
        ({"name": "resnet", "image_size": 8}, "image_size 28 8"),
    ],
)
def test_invalid_arguments_are_refused_by_name(arguments, facts):
    assert_refused(facts, create_model, **arguments)


@pytest.mark.parametrize("shape", [(4, 3, 5, 5), (1, 3, 2, 1), (2, 3, 1, 1)])
def test_batch_norm_equals_pytorchs_for_batches_of_several_values(shape):
    torch.manual_seed(0)
    ours, theirs = BatchNorm(3), torch.nn.BatchNorm2d(3)
    for _ in range(3):
        maps = torch.randn(shape)
        assert torch.equal(ours(maps), theirs(maps))
    assert torch.equal(ours.eval()(maps), theirs.eval()(maps))


@pytest.mark.parametrize("classes", [-1, 0, 1, 257, 10**11])
def test_the_number_of_classes_must_be_from_2_to_256(classes):
    assert_refused(f"num_classes 2 256 {classes}", create_model, "lenet", classes)
