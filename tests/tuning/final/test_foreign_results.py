"""Reading of final runs and misclassified images of unknown origin."""

import io
import json
import zipfile
from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.messages import assert_refused
from tests.reporting.searches import best_config
from tune_mnist.tuning.final.misclassified import (
    Misclassified,
    read_misclassified,
    write_misclassified,
)
from tune_mnist.tuning.final.runs import FinalRun, final_folder, read_final_runs, write_final_run
from tune_mnist.tuning.storage.kept_models import read_config

RUN = FinalRun("lenet", 3, 0, {"model": "lenet", "lr": 0.1}, 1000, 0.5, [[1, 1], [1, 1]], 2.0)
CLASSES = np.array([1, 2], np.int64)
MISCLASSIFIED = Misclassified(
    np.zeros((2, 28, 28), np.uint8), CLASSES, CLASSES + 1, np.array([0.9, 0.8], np.float32)
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("confusion", []),
        ("confusion", [[1, 2], [3]]),
        ("confusion", [[1, 2, 3], [4, 5, 6]]),
        ("confusion", [[1, -2], [3, 4]]),
        ("confusion", [[1, 10**30], [3, 4]]),
        ("confusion", [[1, 0.5], [3, 4]]),
        ("confusion", [[0] * 300] * 300),
        ("confusion", None),
        ("test_accuracy", "0.5"),
        ("test_accuracy", float("nan")),
        ("test_accuracy", 2),
        ("train_seconds", float("inf")),
        ("trial", -1),
        ("trial", True),
        ("config", [1]),
        ("config", {"lr": [0.1]}),
        ("model", "x/../../y"),
        ("calibration", {"error": 2}),
        ("calibration", {"error": 0.1, "temperature": 0}),
        ("calibration", {"error": 0.1, "temperature": float("inf")}),
        ("calibration", {"error": 0.1, "temperature": 1e-320}),
        ("calibration", {"error": 0.1, "scaled_error": float("nan")}),
        ("calibration", {}),
    ],
)
def test_an_invalid_final_run_is_refused(tmp_path, key, value):
    write_final_run(tmp_path, RUN)
    path = final_folder(tmp_path, "lenet") / "seed-0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert_refused([str(path), key], read_final_runs, tmp_path)


def test_runs_with_different_numbers_of_classes_are_refused(tmp_path):
    write_final_run(tmp_path, RUN)
    write_final_run(tmp_path, FinalRun("lenet", 3, 1, {}, 1000, 0.5, [[1] * 3] * 3, 2.0))
    assert_refused("confusion", read_final_runs, tmp_path)


def test_misclassified_images_are_read_back_unchanged(tmp_path):
    write_misclassified(tmp_path, MISCLASSIFIED)
    back = read_misclassified(tmp_path)
    for name, array in asdict(MISCLASSIFIED).items():
        np.testing.assert_array_equal(getattr(back, name), array)


def test_misclassified_colour_images_are_read_back_unchanged(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    write_misclassified(tmp_path, replace(MISCLASSIFIED, images=images))
    np.testing.assert_array_equal(read_misclassified(tmp_path).images, images)


def header_only(shape):
    """Return an array file whose header declares more data than the file has."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"images": np.zeros((2, 3), np.uint8)}, ["images", "uint8", "2"]),
        ({"images": np.zeros((2, 28, 28, 4), np.uint8)}, ["images", "(2, 28, 28, 4)"]),
        ({"images": np.zeros((2, 28, 28))}, ["images", "float64"]),
        ({"images": np.array([None, 1])}, ["images", "objects"]),
        ({"images": np.zeros((2, 0, 28), np.uint8)}, ["images", "zero"]),
        ({"truth": CLASSES[:1]}, ["truth", "1", "2"]),
        ({"predicted": CLASSES - 5}, ["predicted"]),
        ({"probability": np.array([np.nan, 1], np.float32)}, ["probability", "0", "1"]),
        ({"truth": None}, ["truth.npy"]),
        ({"images": header_only((10**6, 10**4, 10**4))}, ["images", "larger"]),
        ({"images": header_only((2, 28, 28))}, ["images", "truncated"]),
    ],
)
def test_arrays_of_wrong_shape_are_refused(tmp_path, changes, facts):
    path = tmp_path / "misread.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in (asdict(MISCLASSIFIED) | changes).items():
            if isinstance(array, bytes):
                archive.writestr(f"{name}.npy", array)
            elif array is not None:
                file = io.BytesIO()
                np.save(file, array)
                archive.writestr(f"{name}.npy", file.getvalue())
    assert_refused([str(path), *facts], read_misclassified, tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trial", "abc"),
        ("full_val_accuracy", "high"),
        ("val_accuracy", None),
        ("epoch", 1.5),
        ("lr", float("inf")),
        ("image_size", 10**9),
        ("model", "resnet"),
        ("model", "unknown"),
    ],
)
def test_an_invalid_best_model_is_refused(tmp_path, key, value):
    folder = tmp_path / "lenet"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(best_config("lenet", 0) | {key: value}))
    assert_refused([str(folder / "config.json"), key], read_config, folder)
