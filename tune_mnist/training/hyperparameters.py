"""Presentation of hyperparameters: headings, labels and number formats."""

from dataclasses import dataclass
from typing import Any

from tune_mnist.models.keywords import MODEL_PREFIX

_LABEL_FORMAT = ".2g"
_MAX_PLAIN = 10**9
"""Whole numbers below this are printed with all their digits."""


@dataclass(frozen=True)
class Hyperparameter:
    """Metadata of one hyperparameter, in the ``Annotated`` type of its field of TrainConfig.

    Attributes:
        searchable: Whether a space file may search it.
        mutable: Whether population based training may change it while a trial trains.
        heading: Heading of its column in tables; empty: its name.
        label: Its short name in the label of a trial, such as ``mom`` in ``mom=0.9``; empty: the
            label shows the value alone; None: its name.
        format: Format of its numbers in tables, such as ``.2e``; empty: see ``format_number``.
        name: Name of the field. Derived.
        numeric: Whether its values are numbers. Derived from the field's type.
        required: Whether it has no default. Derived.
        help: One-line description. Derived from the field's ``description``.
    """

    searchable: bool = True
    mutable: bool = True
    heading: str = ""
    label: str | None = None
    format: str = ""
    name: str = ""
    numeric: bool = True
    required: bool = False
    help: str = ""

    def show(self, value: Any) -> str:
        """Return a value as tables show it."""
        if not self.format or isinstance(value, str | bool):
            return format_number(value)
        text = format(value, self.format)
        # A format with too few digits must not turn a small value into zero.
        return text if float(text) or not value else format_number(value)

    def labelled(self, value: Any) -> str:
        """Return a value as the label of a trial shows it, such as ``mom=0.9``."""
        text = format_number(value, _LABEL_FORMAT)
        name = self.name if self.label is None else self.label
        return f"{name}={text}" if name else text


def undeclared(key: str) -> Hyperparameter:
    """Return a generic presentation, as for the keywords of an architecture's constructor.

    Args:
        key: Flat key, such as ``model.width``.
    """
    return Hyperparameter(
        mutable=False, heading=key, label=key.removeprefix(MODEL_PREFIX), name=key
    )


def format_number(value: Any, spec: str = ".4g") -> str:
    """Return a value without a format of its own: no number is rounded to zero.

    Args:
        value: Number, text or bool.
        spec: Format of floats that are not whole numbers.
    """
    if not isinstance(value, float):
        return str(value)
    # Pandas turns a column of integers with a missing value into floats.
    if value.is_integer() and abs(value) < _MAX_PLAIN:
        return f"{value:.0f}"
    return format(value, spec)
