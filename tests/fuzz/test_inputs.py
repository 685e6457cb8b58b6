"""Damaged images and weights of somebody else: a reading, or one line with the file's name."""

import pytest

from tests.fuzz.harness import fuzz

TARGETS = ("IDX", "IDX_GZ", "PICTURE", "WEIGHTS", "CONFIG")
SUITE, SLOW = 200, 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_some_cases(target):
    fuzz(f"tests.fuzz.inputs:{target}", SUITE).require_right()


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("target", TARGETS)
def test_many_cases(target):
    fuzz(f"tests.fuzz.inputs:{target}", SLOW, first=SUITE).require_right()
