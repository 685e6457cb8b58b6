"""Loading of models from results folders; invalid ones are refused."""

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from tests.hostile.trap import Trap
from tests.messages import assert_named, assert_refused, refusal
from tests.training.hostile_weights import HOSTILE
from tune_mnist.inference import Input, load_model, read_digits
from tune_mnist.models import create_model, model_names, register_model
from tune_mnist.training import Compute, TrainConfig, create_batches

CPU = torch.device("cpu")


@pytest.fixture
def copy(digits_lenet, tmp_path):
    """Copy of a model's folder that a test may damage."""
    return shutil.copytree(digits_lenet, tmp_path / "best" / "lenet")


def refused(folder, *facts):
    """Check that a folder is refused with some facts; return the message."""
    message = refusal(load_model, folder, CPU)
    assert_named(map(str, facts), message)
    return message


def single_run(folder, tmp_path):
    """Return the folder of a training run with the same weights."""
    run = tmp_path / "run"
    shutil.copytree(folder, run / "checkpoint")
    (run / "checkpoint" / "config.json").rename(run / "config.json")
    return run


def memory_in_use():
    return psutil.Process().memory_info().vms


def write_model(folder, name, **values):
    """Write a folder with an untrained network."""
    config = TrainConfig(model=name, lr=0.1, image_size=28)
    folder.mkdir(parents=True)
    torch.save(create_model(name, image_size=28, **values).state_dict(), folder / "model.pt")
    (folder / "config.json").write_text(config.model_dump_json())
    return folder


def test_the_best_model_of_a_search_is_loaded_and_classifies(digits_lenet, placed_digits):
    trained = load_model(digits_lenet, CPU)
    assert (trained.config.model, len(trained.form.class_names)) == ("lenet", 10)
    with torch.inference_mode():
        probabilities = trained(torch.from_numpy(placed_digits.test_images))
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(len(placed_digits.test_labels)))
    assert (probabilities.argmax(1).numpy() == placed_digits.test_labels).mean() > 0.9


@pytest.mark.parametrize(
    ("images", "facts"),
    [
        (torch.zeros(2, 28, 28), "uint8 28 float32"),
        (np.zeros((28, 28), np.uint8), "28 (28,"),
        (np.zeros((2, 1, 28, 28), np.uint8), "28 (2, 1,"),
        (np.zeros((2, 32, 32), np.uint8), "28 (2, 32,"),
    ],
)
def test_images_unlike_those_of_the_training_are_refused(digits_lenet, images, facts):
    assert_refused(facts, load_model(digits_lenet, CPU), images)


def test_an_array_gives_the_same_probabilities_as_a_tensor(digits_lenet, placed_digits):
    trained = load_model(digits_lenet, CPU)
    images = placed_digits.test_images[:3]
    assert torch.equal(trained(images), trained(torch.from_numpy(images)))


@pytest.mark.parametrize("part", ["", "checkpoint"])
def test_a_single_run_is_loaded(digits_lenet, tmp_path, part):
    run = single_run(digits_lenet, tmp_path)
    assert load_model(run / part, CPU).config == load_model(digits_lenet, CPU).config


@pytest.mark.parametrize("name", ["lenet", "resnet"])
def test_images_are_prepared_as_in_training(tmp_path, digits, name):
    trained = load_model(write_model(tmp_path / name, name), CPU)
    images = digits.test_images[:20]
    batches = create_batches(
        trained.config, images, digits.test_labels, np.arange(20), Compute(CPU, bf16=False)
    )
    ((prepared, _),) = batches
    with torch.inference_mode():
        expected = trained.network(prepared).softmax(1)
        assert torch.equal(trained(torch.from_numpy(images)), expected)


@pytest.mark.parametrize(
    "name", [name for name in model_names() if name not in ("alexnet", "vggnet")]
)
def test_the_number_of_classes_comes_from_the_weights(tmp_path, name):
    folder = write_model(tmp_path / name, name, num_classes=7)
    trained = load_model(folder, CPU)
    assert len(trained.form.class_names) == 7
    assert trained(torch.zeros(2, 28, 28, dtype=torch.uint8)).shape == (2, 7)


def test_dropout_is_off(tmp_path):
    folder = write_model(tmp_path / "resnet", "resnet", dropout=0.9)
    classifier = load_model(folder, CPU)
    images = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    assert torch.equal(classifier(images), classifier(images))


def test_the_error_for_a_search_folder_names_its_models(copy, tmp_path):
    shutil.copytree(copy, tmp_path / "best" / "resnet")
    shutil.copytree(copy, tmp_path / "final" / "lenet")
    (tmp_path / "experiment.json").write_text("{}")
    models = [tmp_path / name for name in ("best/lenet", "best/resnet", "final/lenet")]
    refused(tmp_path, f"--model {tmp_path}", *models)
    refused(tmp_path / "best", *models[:2])
    assert str(tmp_path / "best") not in refused(tmp_path / "final", models[2])


def test_the_error_for_a_folder_without_a_model_names_valid_ones(tmp_path):
    refused(tmp_path, tmp_path, "model.pt", "best/<model>")
    refused(tmp_path / "missing", tmp_path / "missing", "no such folder")


def test_a_file_is_not_a_folder(digits_lenet):
    refused(digits_lenet / "model.pt", digits_lenet / "model.pt", "is a file")


def test_damaged_weights_are_refused(copy):
    weights = copy / "model.pt"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    refused(copy, weights, "damaged")


@pytest.mark.parametrize("content", [{}, {"a": 1}, {"a": torch.zeros(2, 2)}, {"b": torch.ones(3)}])
def test_a_file_with_other_tensors_is_refused(copy, content):
    torch.save(content, copy / "model.pt")
    refused(copy, copy / "model.pt")


def test_weights_with_a_pickled_call_are_refused_without_executing_it(copy, tmp_path):
    torch.save({"layer.weight": Trap(tmp_path / "sprung")}, copy / "model.pt")
    refused(copy, copy / "model.pt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_files_other_than_weights_are_refused_without_using_memory(copy, name):
    path = copy / "model.pt"
    path.write_bytes(HOSTILE[name](torch.load(path, weights_only=True)))
    tracemalloc.start()
    before = memory_in_use()
    line = refused(copy, path)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert memory_in_use() - before < 100_000_000
    assert line.isprintable()
    assert len(line) < 1_000
    assert "weights_only" not in line


def test_weights_that_overflow_raise_an_error(copy):
    path = copy / "model.pt"
    weights = torch.load(path, weights_only=True)
    torch.save({name: torch.full_like(w, 3e38) for name, w in weights.items()}, path)
    trained = load_model(copy, CPU)
    images = [Input(Path("digit.png"), np.zeros((1, 28, 28), dtype=np.uint8), "dark")]
    assert_refused("digit.png: finite", lambda: list(read_digits(trained, images, CPU)))


def test_weights_of_another_architecture_are_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model": "resnet"}))
    refused(copy, copy / "model.pt", "resnet")


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (None, ["no such file"]),
        ("{", ["damaged"]),
        ("[1, 2]", ["mapping"]),
        ("[" * 100_000, ["damaged"]),
        ('{"lr": 0.1}', ["'model'"]),
        ('{"model": "lenot", "lr": 0.1}', ["'lenot'", "'lenet'"]),
        ('{"model": "resnet", "lr": 0.1, "image_size": "big"}', ["image_size", "'big'"]),
    ],
)
def test_an_invalid_configuration_is_refused_by_key(copy, text, facts):
    path = copy / "config.json"
    path.unlink() if text is None else path.write_text(text)
    refused(copy, path, *facts)


@pytest.mark.usefixtures("networks_forgotten")
def test_a_users_network_keeps_tensors_that_are_not_stored(tmp_path):
    @register_model("positions", head="head")
    class Positions(nn.Module):
        def __init__(self, num_classes, in_channels):
            super().__init__()
            self.register_buffer("offset", torch.ones(in_channels), persistent=False)
            self.head = nn.Linear(in_channels, num_classes)

        def forward(self, images):
            return self.head(images.mean(dim=(2, 3)) + self.offset)

    write_model(tmp_path / "run", "positions")
    trained = load_model(tmp_path / "run", CPU)
    probabilities = trained(torch.zeros(2, 28, 28, dtype=torch.uint8))
    assert torch.isfinite(probabilities).all()


class Greedy(nn.Module):
    """Classifier that needs more memory than any machine has."""

    size = 28

    def forward(self, images):
        return torch.empty(1 << 55, dtype=torch.uint8)


def test_too_little_memory_to_classify_is_one_line():
    images = Input(Path("digits"), np.zeros((2, 28, 28), np.uint8), None)
    assert_refused("memory cpu 2 28x28", lambda: list(read_digits(Greedy(), [images], CPU)))
