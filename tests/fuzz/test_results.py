"""Damaged files of a results folder: a clean result, or one error line with the file name."""

import pytest

from tests.fuzz.harness import fuzz

TARGETS = ("EXPERIMENT", "FINAL_RUN", "BEST", "MISREAD", "CONFIG", "TRIALS")
UNREAD = "TRIALS"
"""No command reads ``trials.csv``, so its damage is never refused."""

SUITE, SLOW = 200, 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_damaged_results(target):
    fuzz(f"tests.fuzz.results:{target}", SUITE).require_right(refusals=target != UNREAD)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("target", TARGETS)
def test_many_damaged_results(target):
    tally = fuzz(f"tests.fuzz.results:{target}", SLOW, first=SUITE)
    tally.require_right(refusals=target != UNREAD)
