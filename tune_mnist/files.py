"""Files that are written whole or not at all."""

from pathlib import Path
from uuid import uuid4


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, never sees half of it."""
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
