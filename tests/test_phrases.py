"""The check of wording that ``make lint`` runs."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "check_phrases.py"


@pytest.fixture(scope="module")
def find():
    """Return a function that lists the refused phrases of a text."""
    spec = importlib.util.spec_from_file_location("check_phrases", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pattern = module.phrase_pattern(list(module.read_phrases()))
    return lambda text: module.find_phrases(text, pattern)


def test_a_phrase_wrapped_over_two_comment_lines_is_found_at_its_first_line(find):
    first, second = "tell", "whether"  # apart, as the check reads this file, too
    found = f"{first} {second}"
    assert find(f"x = 1\n# Tests that {first}\n    # {second} it rains.\n") == [(2, found)]
    assert find(f'"""Tests that\n    {first}\n    {second} it rains."""') == [(2, found)]


@pytest.mark.parametrize(
    "text",
    [
        "an online service",
        "ends with one line of the file",
        "a line in the log",
        "for every trial",
        "goes one step down",
        "to be iterated",
        "comes together",
    ],
)
def test_plain_uses_of_the_same_words_are_accepted(find, text):
    assert find(text) == []
