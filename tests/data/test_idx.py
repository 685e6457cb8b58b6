import struct
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import compress
from tune_mnist.data import find_idx, read_idx
from tune_mnist.errors import UserError

STEM = "train-images-idx3-ubyte"


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def write(path: Path, kind: int, shape: tuple[int, ...], body: bytes) -> Path:
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape)
    path.write_bytes(header + body)
    return path


def test_reads_values_in_the_shape_of_the_header(tmp_path: Path) -> None:
    array = read_idx(write(tmp_path / "a", 8, (2, 1, 3), bytes(range(6))))
    assert array.dtype == np.uint8
    assert array.tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


def test_plain_and_gzipped_are_equal(idx_folder: Path) -> None:
    plain = read_idx(idx_folder / STEM)
    assert np.array_equal(read_idx(compress(idx_folder / STEM)), plain)


@pytest.mark.parametrize(
    "name", [STEM, f"{STEM}.gz", "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"]
)
def test_finds_every_spelling(tmp_path: Path, name: str) -> None:
    assert find_idx(tmp_path, STEM) is None
    (tmp_path / name).touch()
    assert find_idx(tmp_path, STEM) == tmp_path / name


def test_a_folder_of_that_name_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / STEM).mkdir()
    assert find_idx(tmp_path, STEM) is None


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\3\4 something else", b"\0\0\x08\0"])
def test_refuses_what_is_no_idx_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert "not an IDX file" in refusal(tmp_path / "a")


def test_refuses_other_types_than_bytes(tmp_path: Path) -> None:
    message = refusal(write(tmp_path / "a", 0x0D, (2,), bytes(8)))
    assert "0x0d" in message
    assert "0x08" in message


@pytest.mark.parametrize(("found", "fault"), [(5, "truncated"), (7, "too long")])
def test_refuses_other_lengths_than_the_header_means(
    tmp_path: Path, found: int, fault: str
) -> None:
    message = refusal(write(tmp_path / "a", 8, (2, 3), bytes(found)))
    assert fault in message
    assert f"{12 + found} bytes" in message
    assert message.endswith("18")


def test_refuses_half_a_header(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\0\x08\x03\0\0\0\1")
    assert "its header alone takes 16" in refusal(tmp_path / "a")


def test_refuses_a_header_of_absurd_size(tmp_path: Path) -> None:
    # 2^64 pixels: counted in 64 bits, that makes none at all.
    shape = (1 << 31, 1 << 17, 1 << 16)
    assert "truncated" in refusal(write(tmp_path / "a", 8, shape, b""))


@pytest.mark.parametrize("keep", [slice(0, 40), slice(5, None), slice(0, 0)])
def test_refuses_damaged_gzip(idx_folder: Path, keep: slice) -> None:
    packed = compress(idx_folder / STEM)
    packed.write_bytes(packed.read_bytes()[keep])
    refusal(packed)


def test_refuses_flipped_bits_in_gzip(idx_folder: Path) -> None:
    packed = compress(idx_folder / STEM)
    content = bytearray(packed.read_bytes())
    content[-6] ^= 0xFF
    packed.write_bytes(content)
    assert "damaged gzip" in refusal(packed)


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "absent")
