"""Facts that describe a search."""

from tests.messages import assert_named
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.preparation import prepare_search
from tune_mnist.tuning.search_facts import describe_search, scaling_remark
from tune_mnist.tuning.spaces.space import load_space, parse_space


def prepared(folder, digits, space=None, **given):
    """Prepare a search on digits, with 1,149 training images."""
    space = space or load_space("resnet")  # its default fraction is a tenth
    options = SearchOptions.for_space(space, **given)
    return prepare_search(space, options, folder, None, digits)


def facts_of(search):
    machine = Resources(cpus=2, gpus=0, nodes=1, dashboard=None, head=None)
    return describe_search(search, Workers(1, 0, 2), machine)


def test_a_raised_fraction_is_explained_without_naming_an_option_that_nobody_gave(
    tmp_path, digits
):
    fact = facts_of(prepared(tmp_path, digits))["data"]
    assert fact.count("1,149") == 2
    assert "0.1" in fact  # the default, which would leave too few images
    assert "--fraction" not in fact
    given = facts_of(prepared(tmp_path, digits, fraction=0.5))["data"]
    assert "1,149" in given
    assert "0.1" not in given


def test_images_larger_than_those_of_the_data_are_pointed_out(tmp_path, digits):
    side = digits.form.side
    (remark,) = scaling_remark(prepared(tmp_path, digits, image_size=64)).values()
    assert_named([f"{side}x{side}", "64x64"], remark)
    assert scaling_remark(prepared(tmp_path, digits, image_size=side)) == {}


def test_a_network_of_fixed_size_gets_no_remark(tmp_path, digits):
    assert scaling_remark(prepared(tmp_path, digits, space=load_space("lenet"))) == {}


def test_a_space_without_a_description_is_named(tmp_path, digits):
    text = "model: lenet\nparameters:\n  lr: {type: float, low: 0.001, high: 0.1}\n"
    search = prepared(tmp_path, digits, space=parse_space(text, tmp_path / "mine.yaml"))
    assert facts_of(search)["space"] == "mine (lr)"
