"""Targets: the user's own data, and the reader of ``--data-dir``."""

import io
import zipfile
from pathlib import Path
from random import Random

import click
import numpy as np

from tests.data.own import picture_folder, some_arrays
from tests.fuzz.inputs import idx_damage, picture_damage
from tests.fuzz.mutators import byte_damage, one_of
from tests.fuzz.target import Damage, Target
from tune_mnist.data import load_dataset, split_dataset
from tune_mnist.data.idx_folder import STEMS

_SHAPES = ((), (0,), (3,), (30, 10, 11), (30, 10, 10, 2), (10**9, 512, 512), (2**40,), (-1, 8, 8))
_TYPES = ("|u1", "<i8", "<f4", "|b1", "<U3", "<U99999999", "|O", "<c8", "|V9", "<M8[s]", "oops")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def load(path: Path) -> None:
    """Load and split the user's own data."""
    split_dataset(load_dataset("mnist", path))


def _header_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Change the header of an array or remove the array, and correct the checksums."""
    members = _members(content)
    name = random.choice(list(members))
    kind = random.choice(["header", "header", "text", "bytes", "drop", "double", "end"])
    match kind:
        case "header":
            header = io.BytesIO()
            shape, dtype = random.choice(_SHAPES), random.choice(_TYPES)
            form = {"descr": dtype, "fortran_order": random.random() < 0.3, "shape": shape}
            np.lib.format.write_array_header_1_0(header, form)
            members[name] = header.getvalue() + members[name][128:]
            kind = f"{dtype} {shape}"
        case "text":
            # Of the same length, so that the length field before it stays correct.
            text = random.choice(["[" * 200, "{'descr': __import__('os')}", "1" * 110, "{}"])
            members[name] = (
                members[name][:10] + text.ljust(118)[:118].encode() + members[name][128:]
            )
        case "bytes":
            what, members[name] = byte_damage(members[name], random)
            kind = f"bytes: {what}"
        case "drop":
            del members[name]
        case "double":
            members[name] += members[name]
        case _:
            members[name] = members[name][: random.randrange(len(members[name]))]
    return f"{name}: {kind}", _packed(members, random)


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: dict[str, bytes], random: Random) -> bytes:
    method = random.choice(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return file.getvalue()


def _archive(folder: Path) -> Path:
    np.savez(folder / "own.npz", **some_arrays())
    return folder / "own.npz"


def _pictures(folder: Path) -> Path:
    picture_folder(folder / "own", 6, 1, side=16)
    return folder / "own" / "train" / "cross" / "1.png"


def _idx(folder: Path) -> Path:
    own = folder / "own"
    own.mkdir()
    arrays = some_arrays()
    for stem, key in zip(STEMS, ("x_train", "y_train", "x_test", "y_test"), strict=True):
        array = arrays[key]
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        (own / stem).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())
    return own / STEMS[0]


def _read(name: str, damage: Damage, prepare: object, named: str) -> Target:
    assert callable(prepare)
    return Target(prepare, damage, load, lambda folder: [str(folder / name)], named)


NPZ = _read("own.npz", one_of(_header_damage, _header_damage, byte_damage), _archive, "own.npz")
PICTURE = _read("own", one_of(picture_damage, byte_damage), _pictures, "own")
IDX = _read("own", one_of(idx_damage, byte_damage), _idx, "own")
