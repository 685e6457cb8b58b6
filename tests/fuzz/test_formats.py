"""Damaged files of all formats: each case ends cleanly or in one error line.

Few cases are run by default, many with ``--slow``.
"""

import pytest

from tests.fuzz.harness import Tally, fuzz, fuzz_together

FEW, COSTLY, MANY = 60, 30, 20_000
CASES = {
    **dict.fromkeys(
        (
            *("inputs:IDX", "inputs:IDX_GZ", "inputs:PICTURE", "inputs:WEIGHTS", "inputs:CONFIG"),
            *("own_data:NPZ", "own_data:PICTURE", "own_data:IDX"),
            "spaces:SPACE",
            *("results:ENSEMBLE", "results:BEST", "results:MISREAD", "results:CONFIG"),
            *("results:RESUMED", "results:WARM_START"),
        ),
        FEW,
    ),
    **dict.fromkeys(("results:EXPERIMENT", "results:FINAL_RUN", "results:JOURNAL"), COSTLY),
    "results:TRIALS": 10,
}
"""Number of cases of each target, fewer for a command that takes long."""

UNREAD = {"results:TRIALS"}
"""Targets whose files no command reads, so that their damage is never refused."""


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    found = fuzz_together({f"tests.fuzz.{name}": count for name, count in CASES.items()})
    return {name: found[f"tests.fuzz.{name}"] for name in CASES}


@pytest.mark.parametrize("target", CASES)
def test_a_few_damaged_files(target: str, tallies: dict[str, Tally]) -> None:
    tallies[target].require_right(refusals=target not in UNREAD)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("target", CASES)
def test_many_damaged_files(target: str) -> None:
    tally = fuzz(f"tests.fuzz.{target}", MANY, first=COSTLY)
    tally.require_right(refusals=target not in UNREAD)
