"""Registry of searchers. A searcher's class is imported when it is first used."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

from tune_mnist.errors import unknown

if TYPE_CHECKING:
    from tune_mnist.tuning.searching.protocol import SamplerMaker

_PACKAGE = "tune_mnist.tuning.searching"
SEARCHERS = {
    "tpe": f"{_PACKAGE}.tpe:Tpe",
    "random": f"{_PACKAGE}.random_search:RandomSearch",
    "gp": f"{_PACKAGE}.gaussian_process:GaussianProcess",
    "cmaes": f"{_PACKAGE}.cma_sampler:CmaEs",
    "qmc": f"{_PACKAGE}.quasi_random:QuasiRandom",
    "grid": f"{_PACKAGE}.grid:Grid",
}
"""Import path of each searcher's class, keyed by the name for ``--searcher``.

Each class is a subclass of :class:`~tune_mnist.tuning.searching.protocol.SamplerMaker`.
"""

DEFAULT_SEARCHER = "tpe"


def searcher_names() -> tuple[str, ...]:
    """Return the names that ``--searcher`` accepts."""
    return tuple(SEARCHERS)


def searcher_class(name: str) -> "type[SamplerMaker]":
    """Return the class of a searcher.

    Args:
        name: Name of a searcher.

    Raises:
        UserError: The name is unknown.
    """
    if name not in SEARCHERS:
        raise unknown("searcher", name, SEARCHERS)
    return cast("type[SamplerMaker]", resolve_name(SEARCHERS[name]))
