"""Facts that describe a search."""

from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.preparation import prepare_search
from tune_mnist.tuning.search_facts import describe_search
from tune_mnist.tuning.spaces.space import load_space


def data_fact(folder, digits, **given):
    """Return the description of the data in a search on digits, with 1,149 training images."""
    space = load_space("resnet")  # its default fraction is a tenth
    options = SearchOptions.for_space(space, **given)
    search = prepare_search(space, options, folder, None, digits)
    machine = Resources(cpus=2, gpus=0, nodes=1, dashboard=None, head=None)
    return describe_search(search, Workers(1, 0, 2), machine)["data"]


def test_a_raised_fraction_is_explained_without_naming_an_option_that_nobody_gave(
    tmp_path, digits
):
    fact = data_fact(tmp_path, digits)
    assert fact.count("1,149") == 2
    assert "0.1" in fact  # the default, which would leave too few images
    assert "--fraction" not in fact
    given = data_fact(tmp_path, digits, fraction=0.5)
    assert "1,149" in given
    assert "0.1" not in given
