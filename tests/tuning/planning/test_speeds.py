import pytest

from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.planning import plan
from tune_mnist.tuning.planning.speeds import measure_here, probe_images
from tune_mnist.tuning.spaces.space import load_space


def test_each_architecture_gets_a_speed_of_training_and_of_validating(digits_split):
    options = SearchOptions.for_space(load_space("lenet"), device="cpu")
    speeds = measure_here(("lenet",), digits_split, plan.probe_settings(options))
    assert speeds["lenet"].validate > speeds["lenet"].train > 0


@pytest.mark.parametrize(
    ("model", "image_size", "least", "most"),
    [("lenet", 32, 32, 32), ("resnet", 28, 32, 32), ("vggnet", 224, 2, 8), ("vggnet", 512, 2, 2)],
)
def test_a_dear_network_is_measured_by_few_images(model, image_size, least, most):
    assert least <= probe_images(model, image_size) <= most
