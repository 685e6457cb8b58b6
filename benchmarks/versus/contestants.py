"""Contestants of the comparison, and which of them try the portfolio first."""

from dataclasses import dataclass

OURS = "ours"
SYNE = ("syne_tune_asha", "syne_tune_bohb")
MODULES = (OURS, "ray_tune", "ray_tune_in_memory", "optuna_alone", *SYNE)

USUAL, ALL, NONE = "usual", "all", "none"
"""Use of the portfolio: by this project's search only, by all contestants, or by none."""

WITH_PORTFOLIO, WITHOUT_PORTFOLIO = "_with_portfolio", "_without_portfolio"
"""Ends of the names of contestants whose use of the portfolio is not the usual one."""


@dataclass(frozen=True)
class Contestant:
    """A contestant of the comparison.

    Attributes:
        module: Module of the contestant in this package.
        portfolio: Whether it tries the shipped portfolio first.
    """

    module: str
    portfolio: bool

    @property
    def name(self) -> str:
        """Name in the tables, which mentions the portfolio if its use is not the usual one."""
        if self.portfolio == (self.module == OURS):
            return self.module
        return self.module + (WITH_PORTFOLIO if self.portfolio else WITHOUT_PORTFOLIO)


def contestants(modules: tuple[str, ...], portfolio: str) -> tuple[Contestant, ...]:
    """Return the contestants of a comparison.

    Args:
        modules: Modules of the contestants.
        portfolio: Use of the portfolio: USUAL, ALL or NONE.
    """
    return tuple(
        Contestant(module, portfolio == ALL or (portfolio == USUAL and module == OURS))
        for module in modules
    )


def in_turn(chosen: tuple[Contestant, ...], seed: int) -> tuple[Contestant, ...]:
    """Return the contestants in an order that depends on the seed."""
    first = seed % len(chosen)
    return chosen[first:] + chosen[:first]


def module_of(name: str) -> str:
    """Return the module of the contestant with a given name."""
    return name.removesuffix(WITH_PORTFOLIO).removesuffix(WITHOUT_PORTFOLIO)
