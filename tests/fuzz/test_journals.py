"""Damaged journals of a study, read by three commands: a clean result, or one error line."""

import pytest

from tests.fuzz.harness import fuzz

TARGETS = ("JOURNAL", "RESUMED", "WARM_START")
SUITE, SLOW = 200, 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_damaged_journals(target):
    fuzz(f"tests.fuzz.results:{target}", SUITE).require_right()


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("target", TARGETS)
def test_many_damaged_journals(target):
    tally = fuzz(f"tests.fuzz.results:{target}", SLOW, first=SUITE)
    tally.require_right()
