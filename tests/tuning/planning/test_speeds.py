import pytest
import torch

from tune_mnist.tuning.planning.speeds import (
    NotMeasuredError,
    measuring_here,
    probe_images,
)


@pytest.fixture(autouse=True)
def threads_of_the_others():
    """Restore the number of threads, which is a setting of the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_each_architecture_has_two_speeds(digits_split):
    with measuring_here(
        {"lenet": {"width": 3}, "resnet": {}}, digits_split, 28, 1, "fp32"
    ) as measured:
        speeds = measured()
    assert speeds.keys() == {"lenet", "resnet"}
    assert all(min(speed.train, speed.validate) > 0 for speed in speeds.values())


def test_a_training_error_becomes_a_one_line_error(digits_split):
    with (
        measuring_here({"lenet": {}}, digits_split, 28, 1, "fp8") as measured,
        pytest.raises(NotMeasuredError, match=r"^[^\n]*fp8[^\n]*$"),
    ):
        measured()


MANY = {"lenet": {}, "resnet": {}, "vggnet": {}, "alexnet": {}}


def test_leaving_the_context_cancels_the_measurement(digits_split):
    with measuring_here(MANY, digits_split, 28, 1, "fp32") as measured:
        pass
    with pytest.raises(NotMeasuredError):
        measured()


@pytest.mark.parametrize(
    ("model", "image_size", "device", "count"),
    [
        ("lenet", 32, "cpu", 64),
        ("resnet", 224, "cpu", 32),
        ("vggnet", 224, "cpu", 4),
        ("vggnet", 224, "cuda", 32),
        ("vggnet", 512, "cpu", 2),
    ],
)
def test_an_expensive_network_is_measured_with_few_images(model, image_size, device, count):
    assert probe_images(model, image_size, device) == count
