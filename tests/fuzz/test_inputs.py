"""Damaged images, weights and data sets: a clean result, or one error line with the file name."""

import pytest

from tests.fuzz.harness import fuzz

TARGETS = (
    *(f"inputs:{name}" for name in ("IDX", "IDX_GZ", "PICTURE", "WEIGHTS", "CONFIG")),
    *(f"own_data:{name}" for name in ("NPZ", "PICTURE", "IDX")),
)
SUITE, SLOW = 200, 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_damaged_inputs(target):
    fuzz(f"tests.fuzz.{target}", SUITE).require_right()


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("target", TARGETS)
def test_many_damaged_inputs(target):
    fuzz(f"tests.fuzz.{target}", SLOW, first=SUITE).require_right()
