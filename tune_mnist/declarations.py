"""Metadata of the fields of checked models that are also options of commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from tune_mnist.errors import unknown


@dataclass(frozen=True)
class Choices:
    """The names that a text field can take.

    Stands in the ``Annotated`` type of a field. Validation refuses any other name, with the
    closest of the known ones as a hint.

    Attributes:
        source: The names, or a function that returns them where they can grow.
        open: Whether other names may be right too: they are shown, and checked elsewhere.
        hidden: Names that are right, but only ever set by the program.
    """

    source: Sequence[str] | Callable[[], Sequence[str]]
    open: bool = False
    hidden: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names at this moment."""
        return tuple(self.source() if callable(self.source) else self.source)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema of the annotated type, followed by the check of the name."""
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def check(self, what: str, name: str) -> str:
        """Return the name if it can be chosen.

        Raises:
            UserError: It cannot; suggests the closest name.
        """
        if not self.open and name not in (*self.names, *self.hidden):
            raise unknown(what, name, self.names)
        return name

    def _check(self, name: str | None, info: ValidationInfo) -> str | None:
        return name if name is None else self.check(str(info.field_name), name)


@dataclass(frozen=True)
class Option:
    """Presentation of a field as an option of a command.

    Stands in the ``Annotated`` type of a field; the help is the field's ``description``.

    Attributes:
        group: Heading of the options that it is listed with.
        default: Description of the default where the field's own does not say it.
        metavar: Placeholder of the value; empty: by the type.
    """

    group: str
    default: str = ""
    metavar: str = ""


@dataclass(frozen=True)
class Duration:
    """Marks a number of seconds, which commands read from texts such as ``25m``."""
