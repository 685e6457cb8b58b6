"""Loading of the ensemble of a search, and its predictions."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.hostile.folders import edit, write_ensemble_of
from tests.messages import assert_refused, refusal
from tests.training.hostile_weights import HOSTILE
from tune_mnist.inference import load_ensemble, load_model
from tune_mnist.models.user_modules import load_models

CPU = torch.device("cpu")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def search(digits_lenet, tmp_path):
    """Results folder with an ensemble: a LeNet twice, and once with other weights."""
    write_ensemble_of(tmp_path / "search", digits_lenet)
    path = tmp_path / "search" / "ensemble" / "trial-2" / "model.pt"
    weights = torch.load(path, weights_only=True)
    torch.save({name: tensor * 0.5 for name, tensor in weights.items()}, path)
    return tmp_path / "search"


def refused(directory, *facts):
    """Check that an ensemble is refused with some facts."""
    assert_refused(map(str, facts), load_ensemble, directory, CPU)


def test_its_prediction_is_the_weighted_mean_of_the_probabilities(search, placed_digits):
    images = torch.from_numpy(placed_digits.test_images[:50])
    single = [
        load_model(search / "ensemble" / name, CPU)(images) for name in ("trial-0", "trial-2")
    ]
    ensemble = load_ensemble(search, CPU)
    assert not ensemble.training
    with torch.inference_mode():
        found = ensemble(images)
    np.testing.assert_allclose(found, (2 * single[0] + single[1]) / 3, atol=1e-6)


def test_a_search_without_an_ensemble_is_refused(search):
    (search / "ensemble" / "ensemble.json").unlink()
    refused(search, f"--resume {search}", search / "best")
    refused(search / "missing", search / "missing", "no such folder")


@pytest.mark.usefixtures("networks_forgotten")
def test_the_commands_for_a_search_without_an_ensemble_can_be_copied(
    search, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("my networks.py").write_text((EXAMPLES / "own_network.py").read_text())
    load_models(["my networks.py"])
    folder = search.rename(tmp_path / "my search")
    (folder / "ensemble" / "ensemble.json").unlink()
    message = refusal(load_ensemble, folder, CPU)
    assert f"--resume '{folder}' --models " in message
    assert f"--model '{folder / 'best'}'/<network> --models " in message
    assert message.count("--models 'my networks.py'") == 2


def test_a_member_without_weights_is_refused(search):
    shutil.rmtree(search / "ensemble" / "trial-2")
    refused(search, search / "ensemble" / "trial-2")


@pytest.mark.parametrize(("key", "value"), [("model", "resnet"), ("trial", 3), ("epoch", 2)])
def test_weights_of_another_origin_than_the_ensemble_names_are_refused(search, key, value):
    path = search / "ensemble" / "trial-2" / "config.json"
    edit(path, lambda config: config.update({key: value}))
    refused(search, path, key)


def test_members_of_different_data_are_refused(search):
    path = search / "ensemble" / "trial-2" / "config.json"
    form = load_ensemble(search, CPU).form.model_dump(mode="json") | {"name": "letters"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": form}))
    refused(search, "trial-2", "another form")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_weights_of_a_member_are_refused(search, name):
    path = search / "ensemble" / "trial-2" / "model.pt"
    path.write_bytes(HOSTILE[name](torch.load(path, weights_only=True)))
    refused(search, path)
