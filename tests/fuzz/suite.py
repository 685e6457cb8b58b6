"""Tests that fuzz a command with damaged files: few cases in the suite, many with ``--slow``."""

from collections.abc import Callable, Collection

import pytest

from tests.fuzz.harness import Tally, fuzz, fuzz_together

FEW, COSTLY, UNREAD, MANY = 60, 30, 10, 20_000

Test = Callable[..., None]


def fuzz_tests(
    *targets: str, costly: Collection[str] = (), unread: Collection[str] = ()
) -> tuple[Callable[[], dict[str, Tally]], Test, Test]:
    """Return a fixture and two tests of targets: each case ends cleanly, or in one error line.

    Args:
        targets: Targets, each ``<module of tests.fuzz>:<name>``.
        costly: Targets whose commands take long, so that fewer cases are run.
        unread: Targets whose files no command reads, so that their damage is never refused.

    Returns:
        Fixture ``tallies``, test with few cases, and test with many cases.
    """

    @pytest.fixture(scope="module")
    def tallies() -> dict[str, Tally]:
        counts = dict.fromkeys(targets, FEW)
        counts |= dict.fromkeys(costly, COSTLY) | dict.fromkeys(unread, UNREAD)
        found = fuzz_together({f"tests.fuzz.{name}": count for name, count in counts.items()})
        return {name: found[f"tests.fuzz.{name}"] for name in targets}

    @pytest.mark.parametrize("target", targets)
    def test_few(target: str, tallies: dict[str, Tally]) -> None:
        tallies[target].require_right(refusals=target not in unread)

    @pytest.mark.slow
    @pytest.mark.timeout(6 * 3600)
    @pytest.mark.parametrize("target", targets)
    def test_many(target: str) -> None:
        tally = fuzz(f"tests.fuzz.{target}", MANY, first=COSTLY)
        tally.require_right(refusals=target not in unread)

    return tallies, test_few, test_many
