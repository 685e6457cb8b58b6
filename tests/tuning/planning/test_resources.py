import re

import pytest

from tune_mnist.data import split_dataset
from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning import resources
from tune_mnist.tuning.spaces.space import load_space


@pytest.mark.parametrize(
    ("given", "gpus", "named"),
    [
        ({"device": "cuda"}, 0, ("--device cuda",)),
        ({"device": "cuda", "gpus_per_trial": 0}, 1, ("--device cuda", "--gpus-per-trial 0")),
        ({"device": "cpu", "gpus_per_trial": 1}, 1, ("--device cpu", "--gpus-per-trial 1")),
    ],
)
def test_an_unavailable_device_is_refused(given, gpus, named):
    options = SearchOptions.for_space(load_space("lenet"), **given)
    machine = Resources(cpus=2, gpus=gpus, nodes=1, dashboard=None, head=None)
    with pytest.raises(UserError) as caught:
        resources.place(options, machine)
    options_named = re.findall(r"--[a-z-]+ (?:cuda|cpu|\d+)", str(caught.value))
    assert set(named) <= set(options_named)
    assert ("--gpus-per-trial" in str(caught.value)) is ("gpus_per_trial" in given)


def data_fact(digits, **given):
    """Return the description of the data in a search on digits, with 1,149 training images."""
    space = load_space("resnet")  # its default fraction is a tenth
    options = SearchOptions.for_space(space, **given).for_images(len(digits.train_labels))
    facts = resources.facts(
        space,
        options,
        digits.form,
        split_dataset(digits, options.fraction, options.val_fraction),
        split_dataset(digits),
        resources.Workers(1, 0, 2),
        Resources(cpus=2, gpus=0, nodes=1, dashboard=None, head=None),
        "none",
    )
    return facts["data"]


def test_a_raised_fraction_is_explained_without_naming_an_option_that_nobody_gave(digits):
    fact = data_fact(digits)
    assert fact.count("1,149") == 2
    assert "0.1" in fact  # the default, which would leave too few images
    assert "--fraction" not in fact
    given = data_fact(digits, fraction=0.5)
    assert "1,149" in given
    assert "0.1" not in given
