import math
import os
from pathlib import Path

import pytest

from tests.messages import assert_refused, refusal
from tune_mnist.tuning.spaces.yaml_text import load_yaml, read_text

PATH = Path("mine.yaml")
GOOD = "description: d\nmodel: resnet\nparameters:\n  lr: {low: 1.0e-4, log: true}\n"


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("description: [\n", "2"),
        ("description:\n\t- x\n", "2"),
        (GOOD + "---\na: 1\n", "5"),
        ("description: *d\n", "1"),
        ("description: !!python/object:os.system x\n", "1"),
        (GOOD + "model: lenet\n", "5 'model'"),
        (GOOD + "  lr: {low: 1.0}\n", "5 'lr'"),
        (GOOD + "1: 2\n", "5"),
        ("? [a]\n: b\n", "1"),
    ],
)
def test_invalid_yaml_is_refused_with_its_line(text, facts):
    assert_refused(f"mine.yaml line {facts}", load_yaml, text, PATH)


def test_a_character_that_yaml_excludes_is_refused():
    assert_refused("mine.yaml", load_yaml, "description: \0\n", PATH)


NINE = ",".join("x" * 9)
LAUGHS = [f"&a [{NINE}]"] + [
    f"&{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(8)
]
BEYOND_BOUNDS = {
    "long": "description: " + "x" * 100_001,
    "deep lists": "description: " + "[" * 3000 + "]" * 3000,
    "deep mappings": "{a: " * 3000 + "}" * 3000,
    "deep keys": "? " * 3000,
    "laughs": f"description: [{','.join(LAUGHS)}]",
    "an alias of itself": "description: &a [*a]",
    "merged laughs": "a: &a {b: 1}\n"
    + "".join(f"{c}: &{c} {{<<: [{','.join([f'*{chr(ord(c) - 1)}'] * 9)}]}}\n" for c in "bcdefgh"),
    "many nodes": "choices: [" + "1," * 10_000 + "]",
    "many digits": "high: " + "9" * 5000,
    "beyond a float": "high: " + "9" * 400,
    "beyond 64 bits": "high: 9223372036854775808",
    "beyond Unicode": 'description: "\\U00110000"',
    "beyond all versions": f"%YAML {'9' * 5000}.1\n---\na: b",
}


@pytest.mark.parametrize("text", BEYOND_BOUNDS.values(), ids=BEYOND_BOUNDS)
def test_a_text_beyond_the_limits_is_refused(text):
    assert len(refusal(load_yaml, text, PATH)) < 1000


@pytest.mark.parametrize(
    "tagged",
    [
        *("!!int abc", "!!int 3", "!!float x", "!!bool maybe", "!!timestamp x", "!!binary x"),
        *("!!map [a, b]", "!!map foo", "!!seq {a: b}", "!!omap [a]", "!!set {a}", "! x", "!own x"),
    ],
)
def test_tags_are_refused(tagged):
    assert_refused("mine.yaml line 1 tag", load_yaml, f"description: {tagged}", PATH)


@pytest.mark.parametrize(
    "value",
    [
        *("032", "-07", "00", "08", "1_000", "1_0.5", "0x1F", "0b11", "0b_", "0o17", "1:30"),
        *("1:30:45.5", "-1:30", "yes", "No", "ON", "off", "y", "2024-01-31", "2024-13-45", "="),
    ],
)
def test_an_ambiguous_value_is_refused_unless_quoted(value):
    assert_refused(["mine.yaml", "line 2", value], load_yaml, f"a: 1\nb: [x, {value}]", PATH)
    assert load_yaml(f"b: '{value}'", PATH) == {"b": value}


def test_plain_values_are_parsed():
    text = "[0, -3, +3, 2., .5, 1.5, 1e5, 9e+2, true, False, null, ~, nope, 1.2.3, 10x, 12-3]"
    expected = [0, -3, 3, 2.0, 0.5, 1.5, 1e5, 900.0, True, False, None, None, "nope", "1.2.3"]
    assert load_yaml(text, PATH) == [*expected, "10x", "12-3"]
    assert load_yaml("[.inf, -.Inf]", PATH) == [math.inf, -math.inf]


def test_floats_need_no_decimal_point():
    assert load_yaml("{low: 1e-4, high: 2E+1, choices: [1e-3, 1.0e-2]}", PATH) == {
        "low": 1e-4,
        "high": 20.0,
        "choices": [1e-3, 1e-2],
    }


def test_merge_keys_can_be_overridden():
    text = "lr: &range {low: 0.1, high: 0.2}\ndropout: {<<: *range, low: 0.0}\n"
    assert load_yaml(text, PATH)["dropout"] == {"low": 0.0, "high": 0.2}


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("description: caf\xe9\n".encode("latin-1"))
    assert_refused([str(path), "UTF-8"], read_text, path)


def test_an_unreadable_file_is_named(tmp_path):
    assert_refused([str(tmp_path)], read_text, tmp_path)


def test_a_pipe_is_refused_without_reading(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    assert_refused(["pipe.yaml"], read_text, tmp_path / "pipe.yaml")


def test_a_very_large_file_is_refused_without_reading_it_all(tmp_path):
    path = tmp_path / "mine.yaml"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # a sparse file, which uses no disk space
    assert_refused([str(path), "100,000"], lambda: load_yaml(read_text(path), path))
