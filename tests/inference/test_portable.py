"""Exported models, run without the code of this project."""

import logging
import sys
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from tests.messages import assert_refused
from tune_mnist.inference import Classifier
from tune_mnist.inference.portable import (
    EXPORT_FORMATS,
    export_classifier,
    quiet,
    require_packages,
)
from tune_mnist.models import create_model
from tune_mnist.training import TrainConfig

SIZES = {"lenet": 28, "resnet": 40, "alexnet": 32, "vggnet": 28}
LARGE = ("alexnet", "vggnet")
CLASSES = 7


def network(name):
    """Return an untrained network whose outputs depend on the image."""
    torch.manual_seed(0)
    config = TrainConfig(model=name, lr=0.1, image_size=SIZES[name], dropout=0.5)
    model = create_model(name, CLASSES, config.dropout, config.image_size)
    if name == "lenet":  # untrained sigmoids give almost the same output for all images
        for weights in model.parameters():
            weights.data.mul_(5)
    return Classifier(model, config).eval().requires_grad_(False)


def run_onnx(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("images", "tensor(uint8)", [28, 28])
    assert (result.name, result.shape[1:]) == ("probabilities", [CLASSES])
    return lambda images: session.run(None, {"images": images})[0]


def run_torch(path):
    program = torch.export.load(path).module()
    return lambda images: program(torch.from_numpy(images)).numpy()


RUNNERS = {"onnx": run_onnx, "torch": run_torch}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize(
    "name", ["lenet", "resnet", *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_exported_model_accepts_raw_images_in_batches_of_any_size(tmp_path, images, name, form):
    classifier = network(name)
    path = tmp_path / f"model{EXPORT_FORMATS[form].suffix}"
    assert export_classifier(classifier, path, EXPORT_FORMATS[form], images) < 1e-4
    assert list(tmp_path.iterdir()) == [path]
    run = RUNNERS[form](path)
    expected = classifier(torch.from_numpy(images)).numpy()
    assert expected.std(axis=0).max() > 1e-3
    for count in (1, 7):
        assert run(images[:count]) == pytest.approx(expected[:count], abs=1e-4)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_export_with_other_outputs_is_refused_and_removed(tmp_path, images, form):
    path = tmp_path / f"model{EXPORT_FORMATS[form].suffix}"
    given = (network("lenet"), path, EXPORT_FORMATS[form], images)
    assert_refused([str(path), "7"], export_classifier, *given, tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_nan_outputs_is_refused(tmp_path, images):
    classifier = network("lenet")
    next(classifier.parameters()).fill_(torch.nan)
    given = (classifier, tmp_path / "model.pt2", EXPORT_FORMATS["torch"], images)
    assert_refused("nan", export_classifier, *given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_export_holds_no_path_of_this_machine(tmp_path, images, form):
    path = tmp_path / f"model{EXPORT_FORMATS[form].suffix}"
    export_classifier(network("lenet"), path, EXPORT_FORMATS[form], images)
    assert b"models/lenet.py" not in path.read_bytes()


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_the_error_for_a_missing_package_names_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    facts = (package, "pip install 'tune-mnist[onnx]'")
    assert_refused(facts, require_packages, "onnx", EXPORT_FORMATS["onnx"])
    require_packages("torch", EXPORT_FORMATS["torch"])


def test_output_of_the_exporter_is_hidden_except_errors(capsys):
    log = logging.getLogger("chatter")

    def chatter():
        with quiet():
            print("printed")
            print("printed", file=sys.stderr)
            warnings.warn("warned", stacklevel=1)
            log.error("logged")
            raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        chatter()
    assert capsys.readouterr() == ("", "")
    assert log.isEnabledFor(logging.ERROR)
