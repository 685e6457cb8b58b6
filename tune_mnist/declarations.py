"""Annotations of pydantic fields that are also command-line options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from tune_mnist.errors import unknown


@dataclass(frozen=True)
class Choices:
    """Annotation of a text field with the names that the field accepts.

    Validation refuses any other name, and suggests the closest accepted name.

    Attributes:
        source: Accepted names, or a function that returns them if names can be registered later.
        open: Whether unknown names pass this check. They must be checked again after the user's
            networks are registered.
        hidden: Names that are accepted but not listed, because they are set only by the program.
    """

    source: Sequence[str] | Callable[[], Sequence[str]]
    open: bool = False
    hidden: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Accepted names that are listed for the user."""
        return tuple(self.source() if callable(self.source) else self.source)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema of the annotated type, followed by the check of the name."""
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def check(self, what: str, name: str) -> str:
        """Return a name unchanged if it is accepted, or raise an error.

        Args:
            what: Kind of name for the error message, such as ``"dataset"``.
            name: Name to check.

        Raises:
            UserError: The name is unknown. The message suggests the closest known name.
        """
        if not self.open and name not in (*self.names, *self.hidden):
            raise unknown(what, name, self.names)
        return name

    def _check(self, name: str | None, info: ValidationInfo) -> str | None:
        return name if name is None else self.check(str(info.field_name), name)


@dataclass(frozen=True)
class Option:
    """Annotation of a field that is also a command-line option.

    The help text is the ``description`` of the field.

    Attributes:
        group: Heading of the help group that lists the option.
        default: Description of the default for ``--help``. If empty, the default of the field is
            shown.
        metavar: Placeholder for the value in ``--help``. If empty, it is derived from the type.
    """

    group: str
    default: str = ""
    metavar: str = ""


@dataclass(frozen=True)
class Duration:
    """Annotation of a field in seconds whose command-line option takes a duration (``25m``)."""
