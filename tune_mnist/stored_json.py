"""JSON files of a results folder, read as those of a stranger: bounded, and checked key by key."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tune_mnist.errors import UserError, validation_error
from tune_mnist.files import read_limited

MAX_BYTES = 4_000_000
"""Of such a file; the confusion matrix of 256 classes takes one."""

Stored = TypeVar("Stored")


class StrictModel(BaseModel):
    """Base of what a stored text holds: no conversion of types, no unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def read_stored(path: Path, schema: type[Stored]) -> Stored:
    """Return what a JSON file holds.

    pydantic's parser stops at 200 levels of nesting and at numbers of more than 4,300 digits.

    Args:
        path: Of the file.
        schema: What must stand in it: a pydantic model, or a dataclass.

    Raises:
        UserError: It cannot be read, is no JSON, or not of that form; names file and key.
    """
    content = read_limited(path, MAX_BYTES)
    try:
        return TypeAdapter(schema).validate_json(content, strict=True)
    except ValidationError as error:
        raise validation_error(error, schema, str(path)) from None
    except UserError as error:  # of a validator that knows the registered names
        raise UserError(f"{path}: {error}") from None
