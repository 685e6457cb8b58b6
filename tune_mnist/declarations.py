"""Annotations of pydantic fields that are also command-line options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from tune_mnist.errors import unknown


@dataclass(frozen=True)
class Choices:
    """Names that a text field accepts, used as an annotation of the field.

    Validation refuses any other name and suggests the closest accepted name.

    Attributes:
        source: Accepted names, or a function that returns them if more names can be registered.
        open: Whether other names are accepted too, to be checked after the networks of the user
            are registered.
        hidden: Names that are accepted but not listed, because only the program sets them.
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
        """Return a name unchanged if it is accepted.

        Args:
            what: Kind of the name for the error message, such as ``"dataset"``.
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
    """Presentation of a field as a command-line option, used as an annotation of the field.

    The help text is the ``description`` of the field.

    Attributes:
        group: Heading of the group that the option is listed under.
        default: Description of the default for ``--help``. Empty shows the default of the field.
        metavar: Placeholder for the value in ``--help``. Empty derives the placeholder
            from the type.
    """

    group: str
    default: str = ""
    metavar: str = ""


@dataclass(frozen=True)
class Duration:
    """Annotation of a field in seconds whose option takes a duration, such as ``25m``."""
