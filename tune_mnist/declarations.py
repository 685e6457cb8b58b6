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
    """

    source: Sequence[str] | Callable[[], Sequence[str]]

    @property
    def names(self) -> tuple[str, ...]:
        """The names at this moment."""
        return tuple(self.source() if callable(self.source) else self.source)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema of the annotated type, followed by the check of the name."""
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def _check(self, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and name not in self.names:
            raise unknown(str(info.field_name), name, self.names)
        return name
