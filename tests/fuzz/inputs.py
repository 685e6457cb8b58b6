"""Targets: untrusted images and weights, and the command that reads them."""

import gzip
import io
import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tests.fuzz.mutators import byte_damage, json_damage, one_of
from tests.fuzz.target import Damage, Target
from tests.inference.pictures import drawn
from tests.training.hostile_weights import HOSTILE, repacked, saved
from tune_mnist.data.form import FORM_KEY, MNIST
from tune_mnist.models import create_model
from tune_mnist.predict import predict
from tune_mnist.training import TrainConfig

_SIZES = (0, 1, 2, 27, 28, 29, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM")
_NUMBERS = (0.0, -1.0, 1e30, 3e38, float("nan"), float("inf"), float("-inf"))


def idx_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Change the header of an IDX file, or append data."""
    kind = random.choice(["type", "dimensions", "size", "size", "header", "body"])
    damaged = bytearray(content)
    match kind:
        case "type":
            damaged[2] = random.randrange(256)
        case "dimensions":
            damaged[3] = random.choice([0, 1, 2, 4, 31, 32, 33, 64, 65, 255])
        case "size":
            place = 4 + 4 * random.randrange(3)
            damaged[place : place + 4] = struct.pack(">I", random.choice(_SIZES))
        case "header":
            count = random.choice([1, 2, 3, 4, 32, 64, 255])
            sizes = [random.choice(_SIZES) for _ in range(count)]
            damaged[:16] = bytes([0, 0, 8, count]) + struct.pack(f">{count}I", *sizes)
        case _:
            damaged += bytes(random.choice([1, 784, 1 << 20]))
    return kind, bytes(damaged)


def _packed(damage: Damage) -> Damage:
    """Return a damage that is applied before the file is gzipped."""

    def packed(content: bytes, random: Random) -> tuple[str, bytes]:
        what, damaged = damage(gzip.decompress(content), random)
        return f"{what}, then gzipped", gzip.compress(damaged, 1)

    return packed


def _gzip_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Append a member of zeros, or of other data, to a gzipped file."""
    more = random.choice([bytes(1 << 24), b"", b"more", content])
    return "another member", content + gzip.compress(more, 1) * random.choice([1, 1, 50])


def _tensor_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Change one tensor or one name."""
    weights: dict[Any, Any] = _weights(content)
    name = random.choice(list(weights))
    tensor: Tensor = weights[name]
    kind = random.choice(
        ["value", "all values", "dtype", "shape", "expand", "drop", "name", "type"]
    )
    match kind:
        case "value":
            tensor.view(-1)[random.randrange(tensor.numel())] = random.choice(_NUMBERS)
        case "all values":
            tensor.fill_(random.choice(_NUMBERS))
        case "dtype":
            weights[name] = tensor.to(
                random.choice([torch.float16, torch.float64, torch.int64, torch.complex64])
            )
        case "shape":
            weights[name] = random.choice([tensor[None], tensor.flatten(), tensor[:1], tensor[:0]])
        case "expand":
            weights[name] = tensor.flatten()[:1].expand(random.choice([2, 300, 10**8, 10**11]))
        case "drop":
            del weights[name]
        case "name":
            weights[random.choice(["", "x", 0, None, "a\nb", "x" * 5_000])] = weights.pop(name)
        case _:
            weights[name] = random.choice([None, 1, "x", [1.0], {"a": tensor}])
    return f"{kind} {name}", saved(weights)


def _entry_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Damage one entry of the archive, and correct the checksums."""
    entry = random.choice(["data.pkl", "data.pkl", "data.pkl", "data/0", "version", "byteorder"])

    def change(name: str, data: bytes) -> bytes:
        return byte_damage(data, random)[1] if name.endswith(entry) else data

    return f"bytes of {entry}", repacked(content, change, random.choice([0, 0, 0, 8]))


def _other_weights(content: bytes, random: Random) -> tuple[str, bytes]:
    name = random.choice(list(HOSTILE))
    return name, HOSTILE[name](_weights(content))


def _weights(content: bytes) -> dict[Any, Any]:
    weights: dict[Any, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return weights


def picture_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Write the picture in another format, and damage its bytes."""
    kind = random.choice(_FORMATS)
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).save(file, kind)
    what, damaged = byte_damage(file.getvalue(), random)
    return f"{kind}: {what}", damaged


def _model(folder: Path) -> Path:
    """Write an untrained LeNet in the form of ``best/``."""
    model = folder / "lenet"
    model.mkdir()
    torch.manual_seed(0)
    (model / "model.pt").write_bytes(saved(dict(create_model("lenet").state_dict())))
    noted = {**TrainConfig(model="lenet", lr=0.1).flat(), FORM_KEY: MNIST.model_dump(mode="json")}
    (model / "config.json").write_text(json.dumps(noted))
    drawn().save(folder / "digit.png")
    return model / "model.pt"


def _read(name: str, content: bytes, damage: Damage) -> Target:
    def prepare(folder: Path) -> Path:
        _model(folder)
        (folder / name).write_bytes(content)
        return folder / name

    def arguments(folder: Path) -> list[str]:
        return ["--model", str(folder / "lenet"), str(folder / name)]

    return Target(prepare, damage, predict, arguments, name)


def _png() -> bytes:
    file = io.BytesIO()
    drawn().save(file, "PNG")
    return file.getvalue()


_PIXELS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8).tobytes()
_IDX = bytes([0, 0, 8, 3]) + struct.pack(">3I", 3, 28, 28) + _PIXELS

IDX = _read("three-images", _IDX, one_of(idx_damage, byte_damage))
IDX_GZ = _read(
    "three-images.gz",
    gzip.compress(_IDX),
    one_of(_packed(idx_damage), byte_damage, _gzip_damage, _packed(byte_damage)),
)
PICTURE = _read("picture", _png(), picture_damage)


def _classify(folder: Path) -> list[str]:
    return ["--model", str(folder / "lenet"), str(folder / "digit.png")]


WEIGHTS = Target(
    _model,
    one_of(_tensor_damage, _entry_damage, _other_weights, byte_damage),
    predict,
    _classify,
    "model.pt",
)
CONFIG = Target(
    lambda folder: _model(folder).with_name("config.json"),
    json_damage,
    predict,
    _classify,
    "config.json",
)
