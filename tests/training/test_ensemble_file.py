"""Reading of ensemble files of unknown origin."""

import json

import pytest

from tests.messages import assert_refused
from tune_mnist.stored_values import MAX_IMAGES, MAX_INDICES
from tune_mnist.training.ensemble_file import (
    Candidate,
    Ensemble,
    EnsembleTest,
    Predictions,
    read_ensemble,
    write_ensemble,
)


def candidate(trial, count):
    return Candidate(
        trial=trial, model="lenet", epoch=3, val_accuracy=0.9, temperature=1.5, count=count
    )


ENSEMBLE = Ensemble(
    candidates=[candidate(4, 2), candidate(1, 0), candidate(7, 1)],
    val_images=500,
    val_accuracy=0.95,
    test=EnsembleTest(
        images=10,
        ensemble=Predictions.of([3], 0.01),
        single=Predictions.of([3, 9], 0.02),
    ),
)


@pytest.fixture
def written(tmp_path):
    """Write the file with changed values; return the results folder."""
    (tmp_path / "ensemble").mkdir()
    write_ensemble(tmp_path, ENSEMBLE)

    def write(change):
        path = tmp_path / "ensemble" / "ensemble.json"
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))
        return tmp_path, path

    return write


def test_an_ensemble_is_read_back_unchanged(written):
    directory, _ = written(dict.copy)
    found = read_ensemble(directory)
    assert found == ENSEMBLE
    assert [member.trial for member in found.members] == [4, 7]
    assert found.size == 3
    assert found.test.accuracy(found.test.ensemble) == pytest.approx(0.9)


def test_a_search_without_an_ensemble_has_none(tmp_path):
    assert read_ensemble(tmp_path) is None


def changed(*place, to):
    def change(values):
        for key in place[:-1]:
            values = values[key]
        values[place[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (changed("candidates", to=[]), "candidates"),
        (changed("candidates", 0, "count", to=9), "count"),
        (changed("candidates", 0, "count", to=-1), "count"),
        (changed("candidates", 1, "count", to=8), "candidates"),
        (changed("candidates", 1, "trial", to=4), "candidates"),
        (changed("candidates", 0, "trial", to="../x"), "trial"),
        (changed("candidates", 0, "temperature", to=0), "temperature"),
        (changed("candidates", 0, "temperature", to=float("inf")), "temperature"),
        (changed("candidates", 0, "temperature", to=1e-320), "temperature"),
        (changed("candidates", 0, "temperature", to=21), "temperature"),
        (changed("candidates", 0, "count", to=0), "count"),
        (changed("test", to=None), "test"),
        (changed("candidates", to=[candidate(4, 1).model_dump()]), "test"),
        (changed("test", "single", "errors", to=1), "errors"),
        (changed("test", "single", "errors", to=2**40), "errors"),
        (changed("candidates", 0, "val_accuracy", to=1.5), "val_accuracy"),
        (changed("val_accuracy", to=float("nan")), "val_accuracy"),
        (changed("test", "images", to=10**12), "images"),
        (changed("test", "ensemble", "misclassified", to=[10]), "misclassified"),
        (changed("test", "ensemble", "misclassified", to=[-1]), "misclassified"),
        (changed("test", "single", "misclassified", to=[1, 1]), "misclassified"),
        (changed("code", to="import os"), "code"),
    ],
)
def test_an_invalid_ensemble_is_refused(written, change, key):
    directory, path = written(change)
    assert_refused([str(path), key], read_ensemble, directory)


def test_a_test_of_millions_of_images_is_read_back(tmp_path):
    (tmp_path / "ensemble").mkdir()
    for errors in (MAX_INDICES, MAX_IMAGES):
        wrong = list(range(MAX_IMAGES - errors, MAX_IMAGES))
        predictions = Predictions.of(wrong, 0.5)
        test = EnsembleTest(images=MAX_IMAGES, ensemble=predictions, single=predictions)
        write_ensemble(tmp_path, ENSEMBLE.model_copy(update={"test": test}))
        read = read_ensemble(tmp_path).test
        assert read == test
        assert read.accuracy(read.single) == 1 - errors / MAX_IMAGES
