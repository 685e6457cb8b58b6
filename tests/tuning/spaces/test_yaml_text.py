from pathlib import Path

import pytest

from tune_mnist.errors import UserError
from tune_mnist.tuning.spaces.yaml_text import load_yaml, read_text

PATH = Path("mine.yaml")
GOOD = "description: d\nmodel: resnet\nparameters:\n  lr: {low: 1.0e-4, log: true}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("description: [\n", "not valid YAML in line 2"),
        ("description:\n\t- x\n", "not valid YAML in line 2"),
        (GOOD + "---\na: 1\n", "another document"),
        ("description: *d\n", "undefined alias"),
        ("description: !!python/object:os.system x\n", "not valid YAML in line 1"),
        ("description: \0\n", "not valid YAML"),
        (GOOD + "model: lenet\n", "in line 5: key 'model' stands there twice"),
        (GOOD + "  lr: {low: 1.0}\n", "in line 5: key 'lr' stands there twice"),
        (GOOD + "1: 2\n", "in line 5: a key must be a word"),
        ("? [a]\n: b\n", "in line 1: a key must be a word"),
    ],
)
def test_what_is_not_yaml_or_ambiguous_is_told_with_its_line(text, words):
    with pytest.raises(UserError) as caught:
        load_yaml(text, PATH)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ")
    assert words in message
    assert "\n" not in message


def test_numbers_may_be_written_without_a_point():
    assert load_yaml("{low: 1e-4, high: 2E+1, choices: [1e-3, 1.0e-2]}", PATH) == {
        "low": 1e-4,
        "high": 20.0,
        "choices": [1e-3, 1e-2],
    }


def test_merge_keys_work_and_may_be_overruled():
    text = "lr: &range {low: 0.1, high: 0.2}\ndropout: {<<: *range, low: 0.0}\n"
    assert load_yaml(text, PATH)["dropout"] == {"low": 0.0, "high": 0.2}


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("description: caf\xe9\n".encode("latin-1"))
    with pytest.raises(UserError, match="not a text file in UTF-8"):
        read_text(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path}: cannot be read"):
        read_text(tmp_path)
