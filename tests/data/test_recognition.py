"""Own data that are a shipped data set under another path."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tune_mnist.data import load_dataset
from tune_mnist.data.names import CLASS_NAMES
from tune_mnist.data.recognition import SHA256, checksum, with_stored_names

RESULTS = Path(__file__).parents[2] / "results"

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


def test_the_checksums_are_those_of_the_stored_searches():
    stored = [json.loads(path.read_text()) for path in RESULTS.glob("*/experiment.json")]
    known = {
        each["data"]["name"]: (each["data_sha256"], each["test_sha256"])
        for each in stored
        if each.get("data") and each.get("test_sha256")
    }
    for name, checksums in SHA256.items():
        assert known[name] == checksums


def test_a_resumed_search_keeps_the_names_that_it_has_stored(digits):
    stored = digits.form.model_copy(update={"name": "numerals", "fills_image": False})
    resumed = with_stored_names(digits, stored)
    assert resumed.form == stored
    assert (resumed.test_images == digits.test_images).all()
    assert with_stored_names(digits, None) is digits
    fewer = stored.model_copy(update={"class_names": ("a", "b")})
    assert with_stored_names(digits, fewer) is digits
    own = replace(digits, name="numerals")
    assert with_stored_names(own, digits.form) is own
