from pathlib import Path

import idx2numpy
import numpy as np
import pytest

from tests.data.conftest import compress
from tune_mnist.data import Dataset, load_dataset
from tune_mnist.data.sources import STEMS
from tune_mnist.errors import UserError


def refusal(data_dir: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_dataset("mnist", data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def replace(folder: Path, stem: str, array: np.ndarray) -> None:
    idx2numpy.convert_to_file(str(folder / stem), array)


def test_reads_any_four_files(idx_folder: Path) -> None:
    data = load_dataset("kmnist", idx_folder)
    assert data.train_images.shape == (60, 28, 28)
    assert data.test_images.shape == (20, 28, 28)
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.train_labels[:4].tolist() == [0, 1, 2, 0]
    assert data.num_classes == 3


def test_files_of_the_user_are_called_as_their_folder(
    idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = idx_folder.rename(idx_folder.with_name("emnist-letters"))
    assert load_dataset("kmnist", own).name == "emnist-letters"
    monkeypatch.chdir(own)
    assert load_dataset("mnist", Path()).name == "emnist-letters"
    monkeypatch.setenv("TUNE_MNIST_DATA", str(own))
    assert load_dataset().name == "emnist-letters"


def test_number_of_classes_counts_test_labels_too(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[3], np.full(20, 46, np.uint8))
    assert load_dataset("mnist", idx_folder).num_classes == 47


def test_gzipped_files_give_the_same(idx_folder: Path) -> None:
    plain = load_dataset("mnist", idx_folder)
    for stem in STEMS:
        compress(idx_folder / stem)
    packed = load_dataset("mnist", idx_folder)
    assert np.array_equal(packed.train_images, plain.train_images)
    assert np.array_equal(packed.test_labels, plain.test_labels)


def test_mismatched_counts_name_both_files(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[1], np.zeros(59, np.uint8))
    message = refusal(idx_folder)
    for words in (f"{STEMS[0]} has 60 images", f"{STEMS[1]} 59 labels"):
        assert words in message


@pytest.mark.parametrize(
    ("stem", "shape", "wanted"),
    [
        (STEMS[0], (60, 32, 32), "(N, 28, 28)"),
        (STEMS[2], (20, 784), "(N, 28, 28)"),
        (STEMS[3], (20, 1), "(N,)"),
    ],
)
def test_other_shapes_are_refused(
    idx_folder: Path, stem: str, shape: tuple[int, ...], wanted: str
) -> None:
    replace(idx_folder, stem, np.zeros(shape, np.uint8))
    message = refusal(idx_folder)
    assert f"{idx_folder / stem}: shape {shape}: must be {wanted}" in message


def test_empty_files_are_refused(idx_folder: Path) -> None:
    header = bytes([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28])
    (idx_folder / STEMS[0]).write_bytes(header)
    (idx_folder / STEMS[1]).write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 0]))
    assert "holds no images" in refusal(idx_folder)


def test_labels_of_one_class_are_refused(idx_folder: Path) -> None:
    replace(idx_folder, STEMS[1], np.full(60, 7, np.uint8))
    assert "every training label is 7: there must be two classes" in refusal(idx_folder)


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'fashion-mnist'"):
        load_dataset("fashon-mnist")


def test_digits_are_built_in(digits: Dataset) -> None:
    assert digits.train_images.shape == (1437, 28, 28)
    assert digits.test_images.shape == (360, 28, 28)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_labels.dtype == np.int64
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
    assert digits.num_classes == 10
    assert np.bincount(digits.test_labels).min() >= 34


def test_digits_are_always_the_same(digits: Dataset) -> None:
    again = load_dataset("digits")
    assert np.array_equal(again.train_images, digits.train_images)
    assert np.array_equal(again.test_labels, digits.test_labels)


def test_digits_take_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave out"):
        load_dataset("digits", tmp_path)
