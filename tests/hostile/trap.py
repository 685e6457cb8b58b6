"""A pickle that shows whether it was loaded."""

from pathlib import Path
from typing import Any


class Trap:
    """Object whose pickle creates a file when it is loaded.

    Args:
        sprung: File to create.
    """

    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._sprung,)
