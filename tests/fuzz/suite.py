"""Tests that fuzz a command with damaged files: few cases in the suite, many with ``--slow``."""

from collections.abc import Callable, Collection

import pytest

from tests.fuzz.harness import fuzz

FEW, UNREAD, MANY = 60, 10, 20_000

Test = Callable[[str], None]


def fuzz_tests(*targets: str, unread: Collection[str] = ()) -> tuple[Test, Test]:
    """Return two tests of targets: each case ends in a clean result, or in one error line.

    Args:
        targets: Targets, each ``<module of tests.fuzz>:<name>``.
        unread: Targets whose files no command reads, so that their damage is never refused.
    """

    @pytest.mark.parametrize("target", targets)
    def few(target: str) -> None:
        count = UNREAD if target in unread else FEW
        fuzz(f"tests.fuzz.{target}", count).require_right(refusals=target not in unread)

    @pytest.mark.slow
    @pytest.mark.timeout(6 * 3600)
    @pytest.mark.parametrize("target", targets)
    def many(target: str) -> None:
        tally = fuzz(f"tests.fuzz.{target}", MANY, first=FEW)
        tally.require_right(refusals=target not in unread)

    return few, many
