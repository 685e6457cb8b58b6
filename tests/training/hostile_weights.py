"""Invalid and hostile files of weights, made from valid ones."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Weights = Mapping[str, Tensor]


def saved(content: Any) -> bytes:
    """Return the bytes that torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def repacked(
    content: bytes,
    change: Callable[[str, bytes], bytes] = lambda _, data: data,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """Return an archive with changed entries and correct checksums."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(file, "w", compression) as after,
    ):
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return file.getvalue()


def _last(weights: Weights) -> str:
    return list(weights)[-1]


def _every(change: Callable[[Tensor], Tensor]) -> Callable[[Weights], bytes]:
    return lambda weights: saved({name: change(tensor) for name, tensor in weights.items()})


def _all_but_last(weights: Weights, last: Tensor) -> bytes:
    return saved({**weights, _last(weights): last})


def _more_numbers_than_there_are(weights: Weights) -> bytes:
    """Make the pickle claim that the first storage has 150 numbers more than its entry."""

    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        return data.replace(b"K\x96", b"M\x2c\x01").replace(b"K\x06", b"K\xff")

    return repacked(saved(dict(weights)), change)


class _Bytes:
    """Object whose pickle is a call that PyTorch allows and that allocates 10 GB."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (10**10,)


HOSTILE: dict[str, Callable[[Weights], bytes]] = {
    "nothing": lambda _: b"",
    "no archive": lambda _: b"no weights",
    "an empty archive": lambda _: repacked(saved({}))[-22:],
    "a list": lambda _: saved([1, 2]),
    "a tensor": lambda _: saved(torch.zeros(3)),
    "a number": lambda _: saved(1),
    "no tensors": lambda _: saved({}),
    "a network": lambda _: saved(nn.Linear(2, 2)),
    "10 GB in one call": lambda weights: saved({**weights, "more": _Bytes()}),
    "keys that are numbers": lambda _: saved({0: torch.zeros(10)}),
    "keys that are pairs": lambda _: saved({(1, 2): torch.zeros(10)}),
    "keys that are classes": lambda _: saved({torch.FloatStorage: torch.zeros(10)}),
    "plain values": lambda weights: saved(dict.fromkeys(weights, 1.0)),
    "a layer too few": lambda weights: saved(dict(list(weights.items())[1:])),
    "a layer too many": lambda weights: saved({"more": torch.zeros(3), **weights}),
    "a layer of a strange name": lambda weights: saved(
        {"\x1b[2J" * 999: torch.zeros(3), **weights}
    ),
    "another shape": lambda weights: saved(
        {name: tensor[None] if tensor.ndim > 1 else tensor for name, tensor in weights.items()}
    ),
    "one class": lambda weights: _all_but_last(weights, torch.zeros(1)),
    "11 classes in the bias only": lambda weights: _all_but_last(weights, torch.zeros(11)),
    "257 classes": lambda weights: _all_but_last(weights, torch.zeros(257)),
    "10^8 classes": lambda weights: _all_but_last(weights, torch.zeros(1).expand(10**8)),
    "10^11 classes": lambda weights: _all_but_last(weights, torch.zeros(1).expand(10**11)),
    "10^11 classes in all": _every(lambda tensor: tensor.flatten()[:1].expand(10**11)),
    "too large": lambda weights: saved({**weights, "more": torch.zeros(1_000_000)}),
    "no memory behind it": _every(lambda tensor: tensor.to("meta")),
    "sparse": _every(lambda tensor: tensor.to_sparse()),
    "NaN": _every(lambda tensor: torch.full_like(tensor, torch.nan)),
    "one infinity": lambda weights: _all_but_last(
        weights, torch.tensor([0.0] * 9 + [float("-inf")])
    ),
    "complex": _every(lambda tensor: tensor.to(torch.complex64)),
    "double": _every(lambda tensor: tensor.double()),
    "whole numbers": _every(lambda tensor: tensor.to(torch.int32)),
    "true and false": _every(lambda tensor: tensor > 0),
    "compressed": lambda weights: repacked(saved(dict(weights)), compression=zipfile.ZIP_DEFLATED),
    "a zip bomb": lambda weights: repacked(
        saved(dict(weights)),
        lambda name, data: bytes(1 << 25) if name.endswith("data/0") else data,
        compression=zipfile.ZIP_DEFLATED,
    ),
    "more numbers than there are": _more_numbers_than_there_are,
    "a long pickle": lambda weights: repacked(
        saved(dict(weights)),
        lambda name, data: b"\x80\x02" + b"0" * (3 << 20) if name.endswith(".pkl") else data,
    ),
    "no pickle": lambda weights: repacked(
        saved(dict(weights)), lambda name, data: b"?" if name.endswith(".pkl") else data
    ),
}
"""Functions that make an invalid archive of weights, by description."""
