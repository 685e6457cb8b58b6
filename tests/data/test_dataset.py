from pathlib import Path

import idx2numpy
import numpy as np
import pytest

from tests.data.conftest import compress
from tests.messages import assert_refused
from tune_mnist.data import Dataset, load_dataset
from tune_mnist.data.idx_folder import STEMS


def replace(folder: Path, stem: str, array: np.ndarray) -> None:
    idx2numpy.convert_to_file(str(folder / stem), array)


def test_any_four_idx_files_are_read(idx_folder: Path) -> None:
    data = load_dataset("kmnist", idx_folder)
    assert data.train_images.shape == (60, 28, 28)
    assert data.test_images.shape == (20, 28, 28)
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.train_labels[:4].tolist() == [0, 1, 2, 0]
    assert data.num_classes == 3


def test_a_data_set_is_named_after_its_folder(
    idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = idx_folder.rename(idx_folder.with_name("emnist-letters"))
    assert load_dataset("kmnist", own).name == "emnist-letters"
    monkeypatch.chdir(own)
    assert load_dataset("mnist", Path()).name == "emnist-letters"
    monkeypatch.setenv("TUNE_MNIST_DATA", str(own))
    assert load_dataset().name == "emnist-letters"


def test_a_test_label_that_no_training_image_has_is_refused(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[3], np.full(20, 46, np.uint8))
    assert_refused([str(idx_folder / STEMS[3]), "46"], load_dataset, "mnist", idx_folder)


def test_labels_need_not_start_at_0_and_name_the_classes(idx_folder: Path) -> None:
    for stem, count in ((STEMS[1], 60), (STEMS[3], 20)):
        replace(idx_folder, stem, (np.arange(count) % 3 * 2 + 5).astype(np.uint8))
    data = load_dataset("mnist", idx_folder)
    assert data.class_names == ("5", "7", "9")
    assert data.num_classes == 3
    assert data.train_labels[:4].tolist() == data.test_labels[:4].tolist() == [0, 1, 2, 0]


def test_gzipped_files_give_the_same_data_set(idx_folder: Path) -> None:
    plain = load_dataset("mnist", idx_folder)
    for stem in STEMS:
        compress(idx_folder / stem)
    packed = load_dataset("mnist", idx_folder)
    assert np.array_equal(packed.train_images, plain.train_images)
    assert np.array_equal(packed.test_labels, plain.test_labels)


def test_mismatched_counts_name_both_files(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[1], np.zeros(59, np.uint8))
    facts = ["60", str(idx_folder / STEMS[0]), "59", STEMS[1]]
    assert_refused(facts, load_dataset, "mnist", idx_folder)


SHAPES = ("(N, S, S)", "(N, S, S, 3)", "8", "512")


@pytest.mark.parametrize(
    ("stem", "shape", "wanted"),
    [
        (STEMS[0], (60, 32, 28), SHAPES),
        (STEMS[0], (60, 7, 7), SHAPES),
        (STEMS[0], (60, 28, 28, 2), SHAPES),
        (STEMS[2], (20, 784), SHAPES),
        (STEMS[3], (20, 2), ("(N,)",)),
    ],
)
def test_arrays_of_other_shapes_are_refused(
    idx_folder: Path, stem: str, shape: tuple[int, ...], wanted: tuple[str, ...]
) -> None:
    replace(idx_folder, stem, np.zeros(shape, np.uint8))
    facts = [str(idx_folder / stem), *wanted, str(shape)]
    assert_refused(facts, load_dataset, "mnist", idx_folder)


def test_images_of_two_sizes_are_refused(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[2], np.zeros((20, 32, 32), np.uint8))
    facts = [str(idx_folder / STEMS[2]), "(28, 28)"]
    assert_refused(facts, load_dataset, "mnist", idx_folder)


@pytest.mark.parametrize("shape", [(8, 8), (64, 64, 3), (64, 64, 1), (512, 512)])
def test_images_may_have_any_square_size_in_grey_or_rgb(
    idx_folder: Path, shape: tuple[int, ...]
) -> None:
    for stem, count in ((STEMS[0], 60), (STEMS[2], 20)):
        (idx_folder / stem).unlink()
        name = stem.replace("idx3", f"idx{1 + len(shape)}")
        pixels = np.zeros((count, *shape), np.uint8)
        pixels[:, 1, 2] = 200
        replace(idx_folder, name, pixels)
    data = load_dataset("mnist", idx_folder)
    assert data.channels == (3 if shape[-1] == 3 else 1)
    assert data.form.side == shape[0]
    assert (data.train_images[:, 1, 2] == 200).all()
    assert not data.form.centred


def test_transposed_images_are_transposed_back(idx_folder: Path) -> None:
    plain = load_dataset("mnist", idx_folder)
    turned = load_dataset("mnist", idx_folder, transpose=True)
    assert np.array_equal(turned.train_images, plain.train_images.transpose(0, 2, 1))
    assert np.array_equal(turned.test_images, plain.test_images.transpose(0, 2, 1))
    assert turned.form.transposed
    assert not plain.form.transposed
    assert plain.form.centred
    assert turned.form.centred


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_shipped_images_are_not_transposed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNE_MNIST_DATA", raising=False)
    assert_refused("--transpose", load_dataset, name, transpose=True)


def test_files_with_the_names_of_emnist_are_found(idx_folder: Path) -> None:
    for stem in STEMS:
        name = f"emnist-letters-{stem.replace('t10k', 'test')}"
        (idx_folder / stem).rename(idx_folder / name)
    assert load_dataset("mnist", idx_folder).num_classes == 3
    for path in list(idx_folder.iterdir()):
        other = idx_folder / path.name.replace("letters", "digits")
        other.write_bytes(path.read_bytes())
    assert_refused("emnist-digits- emnist-letters-", load_dataset, "mnist", idx_folder)


def test_empty_files_are_refused(idx_folder: Path) -> None:
    header = bytes([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28])
    (idx_folder / STEMS[0]).write_bytes(header)
    (idx_folder / STEMS[1]).write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 0]))
    assert_refused([str(idx_folder / STEMS[0])], load_dataset, "mnist", idx_folder)


def test_labels_of_one_class_are_refused(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[1], np.full(60, 7, np.uint8))
    assert_refused([str(idx_folder / STEMS[1]), "7"], load_dataset, "mnist", idx_folder)


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    assert_refused("'fashon-mnist' 'fashion-mnist'", load_dataset, "fashon-mnist")


def test_digits_are_built_in(digits: Dataset) -> None:
    assert digits.train_images.shape == (1437, 28, 28)
    assert digits.test_images.shape == (360, 28, 28)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_labels.dtype == np.int64
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
    assert digits.num_classes == 10
    assert np.bincount(digits.test_labels).min() >= 34


def test_digits_are_always_the_same(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE_MNIST_DATA", "/own/data")  # of no effect on built-in data sets
    again = load_dataset("digits")
    assert np.array_equal(again.train_images, digits.train_images)
    assert np.array_equal(again.test_labels, digits.test_labels)


def test_digits_accept_no_folder(tmp_path: Path) -> None:
    assert_refused(["--data-dir", "--dataset digits"], load_dataset, "digits", tmp_path)
