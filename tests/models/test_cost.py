import pytest
from torch import nn

from tests.messages import assert_refused
from tune_mnist.models import register_model
from tune_mnist.models.cost import count_flops


def test_the_flops_of_lenet_are_the_sum_of_its_layers_at_any_image_size():
    convolutions = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 150
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert count_flops("lenet", 28) == count_flops("lenet", 224) == 2 * (convolutions + dense)


def test_the_flops_of_resnet_18_agree_with_its_paper():
    # 1.8e9 multiply-adds at 224x224 (He et al. 2016, table 1), with three input channels.
    assert 2 * 1.6e9 < count_flops("resnet", 224) < 2 * 1.85e9


@pytest.mark.parametrize("name", ["alexnet", "resnet", "vggnet"])
def test_larger_images_need_more_flops(name):
    assert count_flops(name, 28) < count_flops(name, 64) < count_flops(name, 224)


def test_an_unknown_network_is_refused():
    assert_refused("'lenett' 'lenet'", count_flops, "lenett", 28)


def test_wider_networks_and_rgb_images_need_more_flops():
    assert count_flops("lenet", 32, options={"width": 12}) > 3 * count_flops("lenet", 32)
    assert count_flops("lenet", 32, in_channels=3) > count_flops("lenet", 32)


def test_a_network_with_data_dependent_code_is_counted():
    @register_model("reading", head="head")
    class Reading(nn.Module):
        def __init__(self, num_classes, in_channels):
            super().__init__()
            self.head = nn.Linear(in_channels, num_classes)

        def forward(self, images):
            return self.head(images.mean(dim=(2, 3)) if images.sum() >= 0 else images[:, :, 0, 0])

    assert count_flops("reading", 28, num_classes=7) == 2 * 7
