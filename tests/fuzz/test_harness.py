"""Verdicts of the fuzz harness on right and wrong endings."""

import os
from pathlib import Path
from random import Random

import click

from tests.fuzz.harness import fuzz
from tests.fuzz.target import Target
from tune_mnist.errors import UserError

ENDINGS = (
    b"fine",
    b"one line",
    b"crash",
    b"exits",
    b"endless",
    b"memory",
    b"writes",
    b"two lines",
)


def _next_ending(content: bytes, random: Random) -> tuple[str, bytes]:
    (ending,) = random.choices(ENDINGS, [0.3 if what == b"endless" else 1 for what in ENDINGS])
    return ending.decode(), ending


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def read(path: Path) -> None:
    match path.read_bytes():
        case b"one line":
            raise UserError(f"{path}: damaged")
        case b"crash":
            raise ValueError("a fault of the program")
        case b"exits":
            os._exit(139)
        case b"endless":
            while True:
                pass
        case b"memory":
            bytearray(2**31)
        case b"writes":
            path.with_name("half").touch()
            raise UserError(f"{path}: damaged")
        case b"two lines":
            click.echo("a warning", err=True)
            raise UserError(f"{path}: damaged")


def _prepare(folder: Path) -> Path:
    path = folder / "file.txt"
    path.write_bytes(b"fine")
    return path


TARGET = Target(
    _prepare, _next_ending, read, lambda folder: [str(folder / "file.txt")], "file.txt"
)


def test_each_ending_gets_its_verdict():
    tally = fuzz("tests.fuzz.test_harness:TARGET", 24)
    assert tally.counts.total() == 24
    assert tally.counts["clean"]
    assert tally.counts["refused"]
    faults = "\n".join(tally.wrong)
    for fact in (
        "ValueError: a fault of the program",
        " 139",
        "TooSlow",
        "MemoryError",
        "(writes)",
        "(two lines)",
    ):
        assert fact in faults
