"""Damaged space files: a space that can be drawn from, or one error line with the file's name."""

import pytest

from tests.fuzz.harness import fuzz

TARGET = "tests.fuzz.spaces:SPACE"
SUITE, SLOW = 200, 20_000


def test_some_cases():
    fuzz(TARGET, SUITE).require_right()


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_many_cases():
    fuzz(TARGET, SLOW, first=SUITE).require_right()
