"""Data sets of pictures by class, NumPy archives and arrays; invalid ones are refused."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.own import CLASSES, picture_folder, some_arrays
from tests.hostile.trap import Trap
from tests.messages import assert_named, assert_refused
from tune_mnist.data import dataset_from_arrays, load_dataset, split_dataset


def refused(path: Path, *facts: object) -> None:
    """Check that data are refused in one line that names some facts."""
    assert_refused(map(str, facts), load_dataset, "mnist", path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return picture_folder(tmp_path / "shapes")


def test_a_folder_of_pictures_is_read(pictures: Path) -> None:
    data = load_dataset("mnist", pictures)
    assert data.name == "shapes"
    assert data.class_names == CLASSES
    assert data.train_images.shape == (18, 64, 64, 3)
    assert data.train_images.dtype == np.uint8
    assert data.test_labels.tolist() == [0, 0, 1, 1, 2, 2]
    first = np.asarray(Image.open(pictures / "train" / "circle" / "0.png"))
    assert np.array_equal(data.train_images[0], first)
    assert_named(["shapes", "64x64", "RGB", "3", *CLASSES], data.form.describe())
    split = split_dataset(data)
    assert (split.channels, split.class_names) == (3, CLASSES)
    assert 1 / 3 < split.chance_level < 0.6


def test_grey_pictures_have_one_channel_unless_one_is_in_colour(pictures: Path) -> None:
    for path in pictures.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    grey = load_dataset("mnist", pictures)
    assert grey.train_images.shape == (18, 64, 64)
    Image.new("RGB", (64, 64), (255, 0, 0)).save(pictures / "train" / "cross" / "0.png")
    both = load_dataset("mnist", pictures)
    assert both.channels == 3
    assert np.array_equal(both.train_images[0], np.stack([grey.train_images[0]] * 3, axis=-1))


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_other_formats_are_read_with_any_suffix(pictures: Path, kind: str) -> None:
    for path in pictures.rglob("*.png"):
        image = Image.open(path).convert("RGB")
        path.unlink()
        image.save(path.with_suffix(".dat"), kind)
    assert load_dataset("mnist", pictures).train_images.shape == (18, 64, 64, 3)


@pytest.mark.parametrize(
    ("picture", "pixel"),
    [
        (Image.new("RGBA", (64, 64), (255, 255, 255, 0)), (0, 0, 0)),
        (Image.new("RGBA", (64, 64), (250, 100, 0, 255)), (250, 100, 0)),
        (Image.new("P", (64, 64), 0), (0, 0, 0)),
        (Image.new("1", (64, 64), 1), (255, 255, 255)),
        (Image.fromarray(np.full((64, 64), 0x8000, np.uint16)), (128, 128, 128)),
    ],
    ids=["transparent", "opaque", "palette", "bits", "16 bits"],
)
def test_pictures_of_other_modes_are_read(
    pictures: Path, picture: Image.Image, pixel: tuple[int, ...]
) -> None:
    picture.save(pictures / "train" / "circle" / "0.png")
    data = load_dataset("mnist", pictures)
    assert (data.train_images[0] == pixel).all()


def test_files_of_file_managers_are_ignored(pictures: Path) -> None:
    (pictures / "train" / ".DS_Store").write_bytes(b"x")
    (pictures / "train" / ".cache").mkdir()
    (pictures / "train" / "circle" / "Thumbs.db").write_bytes(b"x")
    assert len(load_dataset("mnist", pictures).train_images) == 18


def test_pictures_for_validation_join_the_training_part(pictures: Path) -> None:
    (pictures / "test").rename(pictures / "val")
    picture_folder(pictures.with_name("more")).joinpath("test").rename(pictures / "test")
    data = load_dataset("mnist", pictures)
    assert (len(data.train_images), len(data.test_images)) == (24, 6)


def test_a_picture_of_another_size_is_refused_by_name(pictures: Path) -> None:
    odd = pictures / "test" / "cross" / "1.png"
    Image.new("RGB", (64, 65)).save(odd)
    refused(pictures, odd, "64x65")


@pytest.mark.parametrize("size", [(64, 32), (7, 7), (513, 513)])
def test_invalid_sizes_are_refused(pictures: Path, size: tuple[int, int]) -> None:
    for path in pictures.rglob("*.png"):
        Image.new("RGB", size).save(path)
    refused(pictures, 8, 512)


def test_unreadable_pictures_are_refused_by_name(pictures: Path) -> None:
    bad = pictures / "train" / "square" / "3.png"
    content = bad.read_bytes()
    bad.write_bytes(content[: len(content) // 2])
    refused(pictures, bad, "cannot be read")
    bad.write_text("no picture")
    refused(pictures, bad, "not an image")
    bad.unlink()
    bad.mkdir()
    refused(pictures, bad, "is a folder")


def test_missing_parts_and_classes_are_refused_by_name(pictures: Path) -> None:
    (pictures / "test" / "cross").rename(pictures / "test" / "kross")
    refused(pictures, pictures / "test" / "kross")
    (pictures / "test").rename(pictures / "other")
    refused(pictures, pictures / "test")


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "only").mkdir(parents=True)
    refused(tmp_path, tmp_path / "train", "two classes")


def test_an_empty_class_is_refused(pictures: Path) -> None:
    (pictures / "train" / "zebra").mkdir()
    refused(pictures, pictures / "train" / "zebra", "no images")


def test_an_archive_is_recognized_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "cells.data"
    with path.open("wb") as file:
        np.savez_compressed(file, **some_arrays((10, 10, 3)))
    data = load_dataset("mnist", path)
    assert (data.name, data.class_names, data.channels) == ("cells.data", ("1", "2", "3"), 3)
    assert data.train_labels[:4].tolist() == [0, 1, 2, 0]
    assert np.array_equal(data.train_images, some_arrays((10, 10, 3))["x_train"])
    path.write_bytes(b"anything")
    refused(path, path, ".npz")


def test_the_layout_of_medmnist_is_read(tmp_path: Path) -> None:
    arrays = some_arrays((28, 28))
    path = tmp_path / "bloodmnist.npz"
    np.savez(
        path,
        train_images=arrays["x_train"],
        train_labels=arrays["y_train"][:, None],
        val_images=arrays["x_test"],
        val_labels=arrays["y_test"][:, None],
        test_images=arrays["x_test"],
        test_labels=arrays["y_test"][:, None],
    )
    data = load_dataset("mnist", path)
    assert (len(data.train_images), len(data.test_images)) == (39, 9)
    assert data.train_labels.shape == (39,)


def test_labels_may_be_strings(tmp_path: Path) -> None:
    arrays: dict[str, Any] = some_arrays()
    for key in ("y_train", "y_test"):
        arrays[key] = np.array(CLASSES)[arrays[key] - 1]
    np.savez(tmp_path / "a.npz", **arrays)
    assert load_dataset("mnist", tmp_path / "a.npz").class_names == CLASSES


def test_arrays_of_other_types_and_orders_are_read(tmp_path: Path) -> None:
    arrays: dict[str, Any] = some_arrays()
    arrays["x_train"] = np.asfortranarray(arrays["x_train"].astype(np.int32))
    np.savez(tmp_path / "a.npz", **arrays)
    data = load_dataset("mnist", tmp_path / "a.npz")
    assert np.array_equal(data.train_images, some_arrays()["x_train"])
    assert data.train_images.dtype == np.uint8


def test_an_object_array_is_never_unpickled(tmp_path: Path) -> None:
    arrays: dict[str, Any] = some_arrays()
    sprung = tmp_path / "sprung"
    traps = np.empty(2, object)
    traps[:] = [Trap(sprung), Trap(sprung)]
    np.savez(tmp_path / "a.npz", **(arrays | {"y_train": traps}), allow_pickle=True)
    refused(tmp_path / "a.npz", tmp_path / "a.npz", "y_train")
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # noqa: S301 - the trap works
    assert sprung.exists()


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"x_train": np.zeros((30, 10, 10))}, ("x_train", "float64")),
        ({"x_train": np.full((30, 10, 10), 256)}, ("x_train", "0", "255")),
        ({"x_train": np.zeros((30, 10, 12), np.uint8)}, ("x_train", "8", "512", "(30, 10, 12)")),
        ({"x_train": np.zeros((29, 10, 10), np.uint8)}, ("29", "30")),
        ({"x_test": np.zeros((9, 10, 10, 3), np.uint8)}, ("x_test", "(10, 10)")),
        ({"y_train": np.ones(30, np.uint8)}, ("y_train", "1")),
        ({"y_train": np.ones((30, 14), np.uint8)}, ("y_train", "(30, 14)")),
        ({"y_train": np.linspace(0, 1, 30)}, ("y_train", "float64")),
        ({"y_test": np.full(9, 7, np.uint8)}, ("y_test", "7")),
    ],
)
def test_invalid_arrays_are_refused(
    tmp_path: Path, change: dict[str, Any], facts: tuple[str, ...]
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **(some_arrays() | change))
    refused(path, path, *facts)


def test_too_many_classes_are_refused() -> None:
    images = np.zeros((600, 8, 8), np.uint8)
    labels = np.arange(600) % 300
    facts = "y_train 256 300"
    assert_refused(facts, dataset_from_arrays, images, labels, images, labels)


def test_other_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros(3))
    refused(path, path, "x_train")
    np.savez(path, **some_arrays())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, path)


def test_an_array_larger_than_memory_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez(path, **some_arrays())
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 512, 512)}
    )
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x_train.npy"] = header.getvalue() + bytes(1000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    refused(path, path, "x_train", "(1000000000, 512, 512)")


def test_arrays_of_the_calling_program_are_read() -> None:
    arrays = some_arrays((16, 16, 3))
    data = dataset_from_arrays(*arrays.values(), name="cells", class_names=["a", "b", "c"])
    assert (data.name, data.class_names) == ("cells", ("a", "b", "c"))
    assert data.train_images is arrays["x_train"]
    two = {"class_names": ["a", "b"]}
    assert_refused("class_names 3", dataset_from_arrays, *arrays.values(), **two)
    images, *others = arrays.values()
    floats = images.astype(np.float32)
    assert_refused("x_train float32", dataset_from_arrays, floats, *others)


def test_arrays_cannot_be_loaded_by_name() -> None:
    assert_refused("Python", load_dataset, "arrays")


def test_a_path_that_is_neither_folder_nor_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "absent", tmp_path / "absent")
    refused(tmp_path, tmp_path, "train-images-idx3-ubyte")
