"""Own data that are a shipped data set under another path."""

import numpy as np
import pytest

from tune_mnist.data import load_dataset
from tune_mnist.data.names import CLASS_NAMES
from tune_mnist.data.recognition import SHA256, checksum

SIZES = {"train": 100, "test": 10_000}


@pytest.fixture
def archive(tmp_path):
    """Archive in the size of MNIST's test set."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, size in SIZES.items():
        arrays[f"x_{part}"] = random.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = (np.arange(size) % 10).astype(np.uint8)
    np.savez(tmp_path / "images.npz", **arrays)
    return tmp_path / "images.npz"


def test_own_data_are_called_by_their_file(archive):
    data = load_dataset("mnist", archive)
    assert (data.name, data.class_names[1], data.form.centred) == ("images.npz", "1", False)


def test_images_of_a_shipped_data_set_are_called_by_its_name(archive, monkeypatch):
    own = load_dataset("mnist", archive)
    known = (
        checksum(own.train_images, own.train_labels),
        checksum(own.test_images, own.test_labels),
    )
    monkeypatch.setitem(SHA256, "fashion-mnist", known)
    data = load_dataset("mnist", archive)
    assert (data.name, data.class_names) == ("fashion-mnist", CLASS_NAMES["fashion-mnist"])
    assert data.form.centred
    # With other training images, it is not the same data set.
    monkeypatch.setitem(SHA256, "fashion-mnist", ("0" * 64, known[1]))
    assert load_dataset("mnist", archive).name == "images.npz"
