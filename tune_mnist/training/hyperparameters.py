"""Metadata of hyperparameters: how they may be searched and how values are displayed."""

from dataclasses import dataclass
from typing import Any

from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.quoting import printable

_SHORT_DIGITS = 2
_MAX_DIGITS = 6
_MAX_PLAIN = 10**9
"""Integers below this are printed with all digits."""


@dataclass(frozen=True)
class Hyperparameter:
    """Annotation of a field of TrainConfig with the metadata of the hyperparameter.

    Attributes:
        searchable: Whether a space file may search the hyperparameter.
        mutable: Whether population based training may change the value during a trial.
        whole_training: Whether the value shapes the whole course of the training, as a learning
            rate schedule does. Trials can then be compared only after the last epoch.
        heading: Column heading in tables. If empty, the name is used.
        label: Short name in the label of a trial, such as ``mom`` in ``mom=0.9``. If empty, only
            the value is shown. If None, the name is used.
        format: Number format in tables, such as ``.2e``. If empty, ``format_number`` is used.
        name: Name of the field. Filled in from TrainConfig.
        numeric: Whether values are numbers. Filled in from the type of the field.
        required: Whether the field has no default. Filled in from TrainConfig.
        help: One-line description. Filled in from the ``description`` of the field.
    """

    searchable: bool = True
    mutable: bool = True
    whole_training: bool = False
    heading: str = ""
    label: str | None = None
    format: str = ""
    name: str = ""
    numeric: bool = True
    required: bool = False
    help: str = ""

    def show(self, value: Any) -> str:
        """Format a value for tables."""
        if not self.format or isinstance(value, str | bool):
            return format_number(value)
        text = format(value, self.format)
        # A small value must not be displayed as zero.
        return text if float(text) or not value else format_number(value)

    @property
    def short_name(self) -> str:
        """Short name for labels. Empty if the values speak for themselves."""
        return self.name if self.label is None else self.label

    def labelled(self, value: Any) -> str:
        """Format a value of the hyperparameter for the label of a trial, such as ``mom=0.9``."""
        text = printable(short_number(value))
        return f"{self.short_name}={text}" if self.short_name else text


def undeclared(key: str) -> Hyperparameter:
    """Return generic metadata for a key that is not a field of TrainConfig.

    Such a key is, for example, a keyword argument of an architecture's constructor.

    Args:
        key: Flat key, such as ``model.width``.
    """
    return Hyperparameter(
        mutable=False, heading=key, label=key.removeprefix(MODEL_PREFIX), name=key
    )


def format_number(value: Any, spec: str = ".3g") -> str:
    """Format a value of a hyperparameter that has no number format of its own.

    Args:
        value: Number, text or bool.
        spec: Format specification for floats with a fractional part.
    """
    if not isinstance(value, float):
        return str(value)
    # Pandas turns a column of integers with a missing value into floats.
    if value.is_integer() and abs(value) < _MAX_PLAIN:
        return f"{value:.0f}"
    return format(value, spec)


def short_number(value: Any) -> str:
    """Format a number with two digits, or more if two digits would round a fraction up to 1.

    A momentum of 0.999 is shown in full, because 1 would not be a valid value.
    """
    digits = _SHORT_DIGITS
    if isinstance(value, float):
        while digits < _MAX_DIGITS and value < 1 == float(format(value, f".{digits}g")):
            digits += 1
    return format_number(value, f".{digits}g")
