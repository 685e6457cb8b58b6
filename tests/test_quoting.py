"""Untrusted text in messages: short, and without control characters."""

import pytest

from tune_mnist.errors import error_line, unknown
from tune_mnist.quoting import printable, quoted, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;PWNED\x07", r"\x1b[2J\x1b]0;PWNED\x07"),
        ("\x9b2J\r\b\0\x7f", r"\x9b2J\r\x08\x00\x7f"),
        ("abc\u202edef\u2028", r"abc\u202edef\u2028"),
        ("b\udce4ume.png", r"b\udce4ume.png"),
        ("Größe 世界 · ± 10\u00a0%", "Größe 世界 · ± 10\u00a0%"),
    ],
)
def test_control_characters_are_escaped_and_others_unchanged(text, shown):
    assert printable(text) == shown


def test_a_quoted_value_of_any_type_is_short():
    nested = [["x"] * 50] * 50
    for value in (
        "x" * 10**6,
        10**6000,
        nested,
        {"a": nested},
        dict.fromkeys(range(999)),
        object(),
    ):
        assert len(quoted(value)) <= 200
    assert quoted("adam") == "'adam'"
    assert quoted([0.5, True]) == "[0.5, True]"


def test_a_long_message_keeps_its_start_and_end():
    line = error_line("space.yaml: " + "x " * 10**6 + "take a smaller one")
    assert len(line) < 3000
    assert line.startswith("error: space.yaml: ")
    assert line.endswith("take a smaller one")
    assert shortened("short") == "short"


def test_an_error_line_holds_no_control_characters():
    assert error_line("--name '\x1b[2J'") == r"error: --name '\x1b[2J'"


def test_a_very_long_name_gets_no_suggestion():
    assert len(str(unknown("model", "lenet" * 10**6, ["lenet"]))) < 1000
