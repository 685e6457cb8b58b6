"""Damaged journals of a study, read by three commands."""

from tests.fuzz.suite import fuzz_tests

tallies, test_a_few_damaged_journals, test_many_damaged_journals = fuzz_tests(
    *(f"results:{name}" for name in ("JOURNAL", "RESUMED", "WARM_START")),
    costly=("results:JOURNAL",),
)
