import pytest

from tests.messages import assert_refused
from tune_mnist.models.keywords import parse_options


def test_command_line_values_have_the_types_of_yaml():
    texts = ["width=16", "model.slope=0.5", "norm=batch", "bias=false"]
    assert parse_options(texts) == {"width": 16, "slope": 0.5, "norm": "batch", "bias": False}


@pytest.mark.parametrize("text", ["width", "width=", "width=[1, 2]", "width={", "width=null"])
def test_an_option_without_a_value_is_refused(text):
    assert_refused([text, "KEYWORD=VALUE"], parse_options, [text])


def test_a_repeated_option_is_refused():
    assert_refused("width", parse_options, ["width=1", "model.width=2"])
