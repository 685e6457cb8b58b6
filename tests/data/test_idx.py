import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import compress
from tests.messages import assert_refused
from tune_mnist.data import find_idx, read_idx

STEM = "train-images-idx3-ubyte"


def refused(path: Path, *facts: str) -> None:
    """Check that a file is refused in one line that names the file and some facts."""
    assert_refused([str(path), *facts], read_idx, path)


def write(path: Path, kind: int, shape: tuple[int, ...], body: bytes) -> Path:
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape)
    path.write_bytes(header + body)
    return path


def test_values_are_read_in_the_shape_of_the_header(tmp_path: Path) -> None:
    array = read_idx(write(tmp_path / "a", 8, (2, 1, 3), bytes(range(6))))
    assert array.dtype == np.uint8
    assert array.tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


def test_plain_and_gzipped_files_give_equal_arrays(idx_folder: Path) -> None:
    plain = read_idx(idx_folder / STEM)
    assert np.array_equal(read_idx(compress(idx_folder / STEM)), plain)


@pytest.mark.parametrize(
    "name", [STEM, f"{STEM}.gz", "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"]
)
def test_every_spelling_of_a_file_name_is_found(tmp_path: Path, name: str) -> None:
    assert find_idx(tmp_path, STEM) is None
    (tmp_path / name).touch()
    assert find_idx(tmp_path, STEM) == tmp_path / name


def test_a_folder_with_the_name_of_a_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / STEM).mkdir()
    assert find_idx(tmp_path, STEM) is None


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\3\4 something else", b"\0\0\x08\0"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    refused(tmp_path / "a", "IDX")


def test_types_other_than_bytes_are_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a", 0x0D, (2,), bytes(8)), "0x0d", "0x08")


@pytest.mark.parametrize("found", [5, 7])
def test_a_length_other_than_the_headers_is_refused(tmp_path: Path, found: int) -> None:
    refused(write(tmp_path / "a", 8, (2, 3), bytes(found)), f"{12 + found}", "18")


def test_an_incomplete_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\0\x08\x03\0\0\0\1")
    refused(tmp_path / "a", "16")


def test_a_header_with_too_many_pixels_is_refused(tmp_path: Path) -> None:
    # 2^64 pixels, which is 0 in 64-bit arithmetic.
    shape = (1 << 31, 1 << 17, 1 << 16)
    refused(write(tmp_path / "a", 8, shape, b""), "truncated")


@pytest.mark.parametrize("keep", [slice(0, 40), slice(5, None), slice(0, 0)])
def test_a_damaged_gzip_file_is_refused(idx_folder: Path, keep: slice) -> None:
    packed = compress(idx_folder / STEM)
    packed.write_bytes(packed.read_bytes()[keep])
    refused(packed)


def test_a_gzip_file_with_flipped_bits_is_refused(idx_folder: Path) -> None:
    packed = compress(idx_folder / STEM)
    content = bytearray(packed.read_bytes())
    content[-6] ^= 0xFF
    packed.write_bytes(content)
    refused(packed, "gzip")


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    refused(tmp_path / "absent")


def test_gzip_is_detected_by_content_not_by_name(idx_folder: Path) -> None:
    plain = idx_folder / STEM
    expected = read_idx(plain)
    packed = plain.with_name("t10k-images-idx3-ubyte")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    unpacked = plain.rename(f"{plain}.gz")
    assert np.array_equal(read_idx(packed), expected)
    assert np.array_equal(read_idx(unpacked), expected)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize(
    "shape",
    [
        *[(1,) * count for count in (33, 64, 65, 100, 255)],
        (0, *[1] * 254),
        (0, 2**32 - 1, 2**32 - 1),
        (2**32 - 1, 0, 2**32 - 1),
        (2**31, 2**17, 2**16),
        (2**32 - 1,) * 32,
        (2**32 - 1, 28, 28),
        (2**31, 2, 1),
    ],
    ids=lambda shape: f"{len(shape)} dimensions of up to {max(shape)}",
)
def test_headers_that_no_array_can_have_are_refused(
    tmp_path: Path, shape: tuple[int, ...], packed: bool
) -> None:
    path = write(tmp_path / "a", 8, shape, bytes(8))
    refused(compress(path) if packed else path)


@pytest.mark.parametrize("members", [1, 2], ids=["one member", "two members"])
def test_a_gzip_bomb_is_unpacked_only_up_to_the_headers_length(
    tmp_path: Path, members: int
) -> None:
    header = write(tmp_path / "header", 8, (2, 28, 28), b"").read_bytes()
    bomb = tmp_path / "images.gz"
    zeros = bytes(1 << 26)
    parts = [header + zeros] if members == 1 else [header + bytes(2 * 28 * 28), zeros]
    bomb.write_bytes(b"".join(gzip.compress(part) for part in parts))
    tracemalloc.start()
    try:
        refused(bomb, "too long")
        assert tracemalloc.get_traced_memory()[1] < len(zeros) / 8
    finally:
        tracemalloc.stop()


def test_an_array_larger_than_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = compress(write(tmp_path / "a", 8, (2**31, 2**10), bytes(1 << 20)))
    refused(path, "GB")
