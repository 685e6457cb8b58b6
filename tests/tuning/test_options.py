import pytest

from tune_mnist.errors import UserError
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.space import load_space


def test_the_space_gives_the_defaults_and_the_user_overrules_them():
    space = load_space("resnet")
    options = SearchOptions.for_space(space, num_samples=None, max_epochs=3)
    assert options.max_epochs == 3
    assert options.num_samples == space.defaults.num_samples
    assert options.fraction == space.defaults.fraction


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"num_samples": 0}, "num_samples = 0: must be greater than or equal to 1"),
        ({"fraction": 1.5}, "fraction = 1.5: must be less than or equal to 1"),
        ({"image_size": 8}, "image_size = 8"),
        ({"cpus_per_trial": 0}, "cpus_per_trial = 0"),
        ({"dataset": "mnits"}, "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"precision": "fp8"}, "unknown precision 'fp8'"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_a_bad_option_is_named_in_one_line(given, words):
    with pytest.raises(UserError) as caught:
        SearchOptions.for_space(load_space("lenet"), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
