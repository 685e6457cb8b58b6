"""Registry of schedulers. A scheduler's class is imported when it is first used."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

from tune_mnist.errors import unknown

if TYPE_CHECKING:
    from tune_mnist.tuning.schedulers.protocol import SearchScheduler

_PACKAGE = "tune_mnist.tuning.schedulers"
SCHEDULERS = {
    "asha-stopping": f"{_PACKAGE}.asha_stopping:StoppingAsha",
    "asha-promotion": f"{_PACKAGE}.promotion:PromotionAsha",
    "hyperband": f"{_PACKAGE}.hyperband:HyperBand",
    "median": f"{_PACKAGE}.median:MedianStopping",
    "pbt": f"{_PACKAGE}.population:PopulationBasedTraining",
    "none": f"{_PACKAGE}.stopping:NoEarlyStopping",
}
"""Import path of each scheduler's class, keyed by the name for ``--scheduler``.

Each class is a subclass of :class:`~tune_mnist.tuning.schedulers.protocol.SearchScheduler`.
"""

ALIASES = {"asha": "asha-promotion"}
"""Schedulers that have a second name, keyed by this name.

``asha`` stands for the variant that performed better in benchmarks/scheduling.
"""

DEFAULT_SCHEDULER = "asha"
DEFAULT_FOR_SEVERAL_OBJECTIVES = "none"


def scheduler_names() -> tuple[str, ...]:
    """Return the names that ``--scheduler`` accepts, aliases first."""
    return (*ALIASES, *SCHEDULERS)


def schedulers_with(trait: str) -> str:
    """List the names of the schedulers whose class attribute ``trait`` is true, for a message."""
    return ", ".join(name for name in scheduler_names() if getattr(scheduler_class(name), trait))


def canonical_name(name: str) -> str:
    """Return the name of a scheduler, given its name or an alias.

    Raises:
        UserError: The name is unknown.
    """
    if name not in scheduler_names():
        raise unknown("scheduler", name, scheduler_names())
    return ALIASES.get(name, name)


def scheduler_class(name: str) -> "type[SearchScheduler]":
    """Return the class of a scheduler.

    Args:
        name: Name or alias of a scheduler.

    Raises:
        UserError: The name is unknown.
    """
    return cast("type[SearchScheduler]", resolve_name(SCHEDULERS[canonical_name(name)]))
