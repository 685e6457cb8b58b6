"""Exported models, run as somebody without our code would run them."""

import logging
import sys
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from tune_mnist.errors import UserError
from tune_mnist.inference import Classifier
from tune_mnist.inference.portable import FORMATS, export_classifier, require_packages
from tune_mnist.inference.quiet import quiet
from tune_mnist.models import create_model
from tune_mnist.training import TrainConfig

SIZES = {"lenet": 28, "resnet": 40, "alexnet": 32, "vggnet": 28}
LARGE = ("alexnet", "vggnet")
CLASSES = 7


def network(name):
    """Return an untrained network whose answers depend on the image."""
    torch.manual_seed(0)
    config = TrainConfig(model=name, lr=0.1, image_size=SIZES[name], dropout=0.5)
    model = create_model(name, CLASSES, config.dropout, config.image_size)
    if name == "lenet":  # sigmoids that hardly move would answer every image alike
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
@pytest.mark.parametrize("form", FORMATS)
def test_the_file_takes_raw_images_in_batches_of_any_size(tmp_path, images, name, form):
    classifier = network(name)
    path = tmp_path / f"model{FORMATS[form].suffix}"
    assert export_classifier(classifier, path, FORMATS[form], images) < 1e-4
    assert list(tmp_path.iterdir()) == [path]
    run = RUNNERS[form](path)
    expected = classifier(torch.from_numpy(images)).numpy()
    assert expected.std(axis=0).max() > 1e-3
    for count in (1, 7):
        assert run(images[:count]) == pytest.approx(expected[:count], abs=1e-4)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_computes_something_else_is_an_error_and_does_not_stay(tmp_path, images, form):
    path = tmp_path / f"model{FORMATS[form].suffix}"
    with pytest.raises(UserError, match=r"not written: probabilities differ .* on 7 images"):
        export_classifier(network("lenet"), path, FORMATS[form], images, tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_answers_nan_is_an_error(tmp_path, images):
    classifier = network("lenet")
    next(classifier.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="by up to nan"):
        export_classifier(classifier, tmp_path / "model.pt2", FORMATS["torch"], images)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_the_file_names_no_path_of_this_machine(tmp_path, images, form):
    path = tmp_path / f"model{FORMATS[form].suffix}"
    export_classifier(network("lenet"), path, FORMATS[form], images)
    assert b"models/lenet.py" not in path.read_bytes()


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_package_that_is_missing_is_named_with_what_installs_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as caught:
        require_packages("onnx", FORMATS["onnx"])
    assert f"{package} not installed: pip install 'tune-mnist[onnx]'" in str(caught.value)
    require_packages("torch", FORMATS["torch"])


def test_chatter_is_held_back_and_errors_are_not(capsys):
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
