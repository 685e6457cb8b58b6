import pytest
import torch

from tune_mnist.tuning.planning.speeds import (
    NotMeasuredError,
    measuring_here,
    probe_images,
)


@pytest.fixture(autouse=True)
def threads_of_the_others():
    """Leave the number of threads as it was: it is the whole process's."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_each_architecture_gets_a_speed_of_training_and_of_validating(digits_split):
    with measuring_here(
        {"lenet": {"width": 3}, "resnet": {}}, digits_split, 28, 1, "fp32"
    ) as measured:
        speeds = measured()
    assert speeds["lenet"].train > speeds["resnet"].train > 0
    assert speeds["lenet"].validate > 0


def test_whatever_keeps_it_from_training_is_one_line(digits_split):
    with (
        measuring_here({"lenet": {}}, digits_split, 28, 1, "fp8") as measured,
        pytest.raises(NotMeasuredError, match=r"^[^\n]*fp8[^\n]*$"),
    ):
        measured()


MANY = {"lenet": {}, "resnet": {}, "vggnet": {}, "alexnet": {}}


def test_what_nobody_waits_for_is_given_up(digits_split):
    with measuring_here(MANY, digits_split, 28, 1, "fp32") as measured:
        pass
    with pytest.raises(NotMeasuredError, match="given up"):
        measured()


@pytest.mark.parametrize(
    ("model", "image_size", "device", "count"),
    [
        ("lenet", 32, "cpu", 32),
        ("resnet", 224, "cpu", 32),
        ("vggnet", 224, "cpu", 4),
        ("vggnet", 224, "cuda", 32),
        ("vggnet", 512, "cpu", 2),
    ],
)
def test_a_dear_network_is_measured_by_few_images(model, image_size, device, count):
    assert probe_images(model, image_size, device) == count
