"""Damaged files of a results folder."""

from tests.fuzz.suite import fuzz_tests

tallies, test_a_few_damaged_results, test_many_damaged_results = fuzz_tests(
    *(
        f"results:{name}"
        for name in (
            *("EXPERIMENT", "FINAL_RUN", "ENSEMBLE", "BEST", "MISREAD", "CONFIG", "TRIALS"),
        )
    ),
    costly=("results:EXPERIMENT", "results:FINAL_RUN"),
    unread=("results:TRIALS",),  # no command reads trials.csv
)
