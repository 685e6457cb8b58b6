"""Reading of untrusted JSON files in results folders, with a size limit and a strict schema."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tune_mnist.errors import UserError, validation_error
from tune_mnist.files import read_limited

MAX_JSON_BYTES = 4_000_000
"""Maximum size of a stored JSON file. The confusion matrix of 256 classes takes 1 MB."""

Stored = TypeVar("Stored")


class StrictModel(BaseModel):
    """Base class for schemas of stored files. Unknown keys and other types are refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def read_stored(path: Path, schema: type[Stored]) -> Stored:
    """Read a JSON file and validate it against a schema.

    The parser of pydantic refuses a file with more than 200 nesting levels or with a number of
    more than 4,300 digits, so that a hostile file cannot exhaust the memory.

    Args:
        path: Path of the file to read.
        schema: Pydantic model or dataclass that the content must match.

    Raises:
        UserError: The file cannot be read, is not JSON or does not match the schema. The message
            names the file and the key.
    """
    content = read_limited(path, MAX_JSON_BYTES)
    try:
        return TypeAdapter(schema).validate_json(content, strict=True)
    except ValidationError as error:
        raise validation_error(error, schema, str(path)) from None
    except UserError as error:  # raised by a validator, without the name of the file
        raise UserError(f"{path}: {error}") from None
