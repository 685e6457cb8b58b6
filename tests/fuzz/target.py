"""Target of fuzzing: a file format with valid input, damage, and the command that reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click

Damage = Callable[[bytes, Random], tuple[str, bytes]]
"""Function of a valid file's content and a seeded generator, which returns a description of the
damage and the damaged content."""


@dataclass(frozen=True)
class Target:
    """A file format, and the command that reads a file of it.

    Attributes:
        prepare: Function that writes valid input into an empty folder, and returns the path of
            the file to damage.
        damage: Function that damages the content of that file.
        command: Command that reads the file.
        arguments: Function that returns the command's arguments, given the folder of a case.
        named: Part of the file's name that every error line must contain.
    """

    prepare: Callable[[Path], Path]
    damage: Damage
    command: click.Command
    arguments: Callable[[Path], Sequence[str]]
    named: str
