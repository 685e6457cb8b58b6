"""A file format to fuzz: valid input, how to damage it, and the command that reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click

Damage = Callable[[bytes, Random], tuple[str, bytes]]
"""Takes a valid file and a seeded generator; returns what was done, and the damaged file."""


@dataclass(frozen=True)
class Target:
    """A file format, and the command that reads a file of it.

    Attributes:
        prepare: Fills an empty folder with valid input, and returns the file to damage.
        damage: Damages the content of that file.
        command: The command that reads it.
        arguments: The command's arguments, given the folder of a case.
        named: A part of the file's name that every error line must hold.
    """

    prepare: Callable[[Path], Path]
    damage: Damage
    command: click.Command
    arguments: Callable[[Path], Sequence[str]]
    named: str
