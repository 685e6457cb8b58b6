"""Presentation of the options of a search: headings, defaults, and the meaning of a change."""

from dataclasses import dataclass
from typing import Any

from tune_mnist.declarations import Option

WHAT = "What to search"
HOW_MUCH = "How much to search"
EARLY_STOPPING = "Early stopping of trials"
DATA = "On which data"
MACHINES = "On which machines"
FINAL = "Final evaluation on the test images"
RESULTS = "Results"
GROUPS = (WHAT, HOW_MUCH, EARLY_STOPPING, DATA, MACHINES, FINAL, RESULTS)
"""Headings of the options in ``--help``."""

FALLBACKS: dict[str, Any] = {
    "num_samples": 16,
    "max_epochs": 9,
    "fraction": 0.1,
    "image_size": 64,
    "time_budget": None,
}
"""Defaults where the space file has none."""


@dataclass(frozen=True)
class SearchOption(Option):
    """Presentation of an option of a search, and what a change of its value means.

    Attributes:
        fixed: Whether trials before and after a change do not compare: a resumed search keeps it.
        measured: Whether two searches need the same value for their accuracies to compare.
        external: Whether it makes the search connect, read or write where it says: a stored value
            is used only if this user stored it on this machine.
    """

    fixed: bool = False
    measured: bool = False
    external: bool = False


def from_space(name: str) -> str:
    """Return the description of a default that the space file gives.

    Args:
        name: Name of the option.
    """
    return f"from the space file, else {FALLBACKS[name] or 'none'}"
