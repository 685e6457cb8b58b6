"""Facts that describe a search."""

from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.preparation import prepare_search
from tune_mnist.tuning.search_facts import describe_search
from tune_mnist.tuning.spaces.space import load_space


def facts_of(folder, digits, **given):
    """Return the facts of a search on digits, with 1,149 training images."""
    space = load_space("resnet")  # its default fraction is a tenth
    options = SearchOptions.for_space(space, **given)
    search = prepare_search(space, options, folder, None, digits)
    machine = Resources(cpus=2, gpus=0, nodes=1, dashboard=None, head=None)
    return describe_search(search, Workers(1, 0, 2), machine)


def test_a_raised_fraction_is_explained_without_naming_an_option_that_nobody_gave(
    tmp_path, digits
):
    fact = facts_of(tmp_path, digits)["data"]
    assert fact.count("1,149") == 2
    assert "0.1" in fact  # the default, which would leave too few images
    assert "--fraction" not in fact
    given = facts_of(tmp_path, digits, fraction=0.5)["data"]
    assert "1,149" in given
    assert "0.1" not in given


def test_images_larger_than_those_of_the_data_are_pointed_out(tmp_path, digits):
    side = digits.form.side
    fact = facts_of(tmp_path, digits, image_size=64)["image size"]
    assert fact.startswith("64x64 ")
    assert f"{side}x{side}" in fact
    assert facts_of(tmp_path, digits, image_size=side)["image size"] == f"{side}x{side}"
