"""Presentation of search options in ``--help``, and the effects of changing an option."""

from dataclasses import dataclass
from typing import Any

from tune_mnist.declarations import Option

WHAT = "Search"
HOW_MUCH = "Budget"
EARLY_STOPPING = "Early stopping"
DATA = "Data"
MACHINES = "Workers and cluster"
FINAL = "Final evaluation on the test images"
RESULTS = "Results"
SEARCH_GROUPS = (WHAT, HOW_MUCH, EARLY_STOPPING, DATA, MACHINES, FINAL, RESULTS)
"""Headings of the options in ``--help``, in order."""

FALLBACKS: dict[str, Any] = {
    "num_samples": 16,
    "max_epochs": 9,
    "grace_period": 1,
    "fraction": 0.1,
    "image_size": 64,
    "time_budget": None,
}
"""Values of the options that a space file may set, used if neither it nor the user does."""


@dataclass(frozen=True)
class SearchOption(Option):
    """Annotation of an option's field: its place in ``--help``, and effects of changing its value.

    Attributes:
        fixed: Whether a resumed search must keep the value, because trials before and after a
            change would not be comparable.
        measured: Whether two searches must have the same value for their accuracies to be
            comparable.
        external: Whether the value is a path or an address that the search reads, writes or
            connects to. A stored value is used only if the same user stored it on the same
            machine.
    """

    fixed: bool = False
    measured: bool = False
    external: bool = False


def from_space(name: str) -> str:
    """Return the help text for a default value that the space file may set."""
    return f"from the space file, else {FALLBACKS[name] or 'none'}"
