"""Damaged images and weights: a reading, or one line."""

import pytest

from tests.fuzz.harness import fuzz


@pytest.mark.parametrize("count", [200, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["IDX", "IDX_GZ", "WEIGHTS", "PICTURE"])
def test_damaged_input_is_read_or_refused(name: str, count: int) -> None:
    fuzz(f"tests.fuzz.inputs:{name}", count).require_right()
