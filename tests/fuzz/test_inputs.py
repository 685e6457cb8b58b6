"""Damaged images, weights and data sets."""

from tests.fuzz.suite import fuzz_tests

tallies, test_a_few_damaged_inputs, test_many_damaged_inputs = fuzz_tests(
    *(f"inputs:{name}" for name in ("IDX", "IDX_GZ", "PICTURE", "WEIGHTS", "CONFIG")),
    *(f"own_data:{name}" for name in ("NPZ", "PICTURE", "IDX")),
)
