import re

import pytest

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
