"""Damaged space files: a usable space, or one error line with the file name."""

import pytest

from tests.fuzz.harness import fuzz

TARGET = "tests.fuzz.spaces:SPACE"
SUITE, SLOW = 200, 20_000


def test_a_few_damaged_spaces():
    fuzz(TARGET, SUITE).require_right()


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_many_damaged_spaces():
    fuzz(TARGET, SLOW, first=SUITE).require_right()
