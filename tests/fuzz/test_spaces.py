"""Damaged space files."""

from tests.fuzz.suite import fuzz_tests

tallies, test_a_few_damaged_spaces, test_many_damaged_spaces = fuzz_tests("spaces:SPACE")
