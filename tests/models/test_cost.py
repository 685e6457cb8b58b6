import pytest

from tune_mnist.errors import UserError
from tune_mnist.models.cost import count_flops


def test_lenet_costs_what_its_layers_add_up_to_at_any_image_size():
    convolutions = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 150
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert count_flops("lenet", 28) == count_flops("lenet", 224) == 2 * (convolutions + dense)


def test_resnet_18_costs_what_its_paper_says():
    # 1.8e9 multiply-adds at 224x224 (He et al. 2016, table 1), with three input channels.
    assert 2 * 1.6e9 < count_flops("resnet", 224) < 2 * 1.85e9


@pytest.mark.parametrize("name", ["alexnet", "resnet", "vggnet"])
def test_a_larger_image_costs_more(name):
    assert count_flops(name, 28) < count_flops(name, 64) < count_flops(name, 224)


def test_an_unknown_network_is_refused():
    with pytest.raises(UserError, match="did you mean 'lenet'"):
        count_flops("lenett", 28)
