"""Inference with networks trained on the user's own data: pictures, IDX files, export."""

import csv
import io
import json

import idx2numpy
import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.own import CLASSES, picture_folder, shape_picture
from tests.messages import assert_named
from tests.weights import weights_of
from tune_mnist.data import DataForm, DataSplit, load_dataset, split_dataset
from tune_mnist.export import export
from tune_mnist.inference import load_model
from tune_mnist.predict import predict
from tune_mnist.training import Compute, TrainConfig, Trainer

CPU = torch.device("cpu")


def kept(folder, form, image_size=28):
    """Write an untrained LeNet for a form of images, as a search stores it."""
    folder.mkdir()
    config = TrainConfig(model="lenet", lr=0.01, image_size=image_size)
    images = np.zeros((1, *form.shape), np.uint8)
    data = split_dataset_of(images, len(form.class_names))
    Trainer(config, data, Compute(CPU, bf16=False)).save(folder)
    noted = {**config.flat(), "data": form.model_dump(mode="json")}
    (folder / "config.json").write_text(json.dumps(noted))
    return folder


def split_dataset_of(images, classes):
    one = np.zeros(1, np.int64)
    return DataSplit(images, one, one, one[:0], classes)


@pytest.fixture
def shapes(tmp_path):
    """Return the folder of a network for three shapes in RGB images of 64x64 pixels."""
    form = load_dataset("mnist", picture_folder(tmp_path / "shapes", 2, 1)).form
    return kept(tmp_path / "lenet", form)


def test_pictures_are_classified_by_class_name_without_centring(run_command, shapes, tmp_path):
    paths = [tmp_path / f"{name}.png" for name in CLASSES]
    random = np.random.default_rng(1)
    pictures = [shape_picture(name, random) for name in CLASSES]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    status, out, err = run_command(predict, "--model", shapes, *paths)
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["image", "index", "ink", "class", *(f"p_{n}" for n in CLASSES)]
    classifier = load_model(shapes, CPU)
    expected = classifier(torch.from_numpy(np.stack([np.asarray(p) for p in pictures])))
    for row, probabilities in zip(rows, expected, strict=True):
        assert (row["index"], row["ink"]) == ("", "")
        assert row["class"] == CLASSES[int(probabilities.argmax())]
        found = [float(row[f"p_{name}"]) for name in CLASSES]
        assert found == pytest.approx(probabilities.tolist(), abs=1e-5)
    status, out, _ = run_command(predict, "--model", shapes, "--format", "table", *paths)
    assert status == 0
    assert "p(circle)" in out


def test_a_grey_picture_is_accepted_by_an_rgb_network(run_command, shapes, tmp_path):
    Image.new("L", (64, 64), 90).save(tmp_path / "grey.png")
    Image.new("RGB", (64, 64), (90, 90, 90)).save(tmp_path / "rgb.png")
    _, out, _ = run_command(
        predict, "--model", shapes, tmp_path / "grey.png", tmp_path / "rgb.png"
    )
    grey, rgb = csv.DictReader(io.StringIO(out))
    assert grey["p_cross"] == rgb["p_cross"]


@pytest.mark.parametrize(("size", "shown"), [((32, 32), "32x32"), ((64, 60), "64x60")])
def test_other_sizes_are_refused(run_command, shapes, tmp_path, size, shown):
    Image.new("RGB", size).save(tmp_path / "a.png")
    status, _, err = run_command(predict, "--model", shapes, tmp_path / "a.png")
    assert status == 2
    assert_named([str(tmp_path / "a.png"), "64x64", shown], err)


def test_idx_files_of_another_size_or_channels_are_refused(run_command, shapes, tmp_path):
    idx2numpy.convert_to_file(str(tmp_path / "two"), np.zeros((2, 28, 28), np.uint8))
    status, _, err = run_command(predict, "--model", shapes, tmp_path / "two")
    assert status == 2
    assert_named([str(tmp_path / "two"), "(N, 64, 64, 3)"], err)


def test_a_colour_picture_is_refused_by_a_grey_network(run_command, tmp_path):
    model = kept(tmp_path / "lenet", DataForm(name="x", class_names=("a", "b"), centred=False))
    Image.new("RGB", (28, 28), (200, 0, 0)).save(tmp_path / "red.png")
    Image.new("RGB", (28, 28), (9, 9, 9)).save(tmp_path / "grey.png")
    status, _, err = run_command(predict, "--model", model, tmp_path / "red.png")
    assert status == 2
    assert_named([str(tmp_path / "red.png")], err)
    assert run_command(predict, "--model", model, tmp_path / "grey.png")[0] == 0


def test_a_network_for_digits_classifies_a_digit_in_a_picture_of_any_size(
    run_command, digits, tmp_path
):
    split = split_dataset(digits)
    config = TrainConfig(model="lenet", lr=0.005, batch_size=32, max_epochs=10)
    trainer = Trainer(config, split, Compute(CPU, bf16=False))
    for _ in range(config.max_epochs):
        trainer.run_epoch()
    model = tmp_path / "lenet"
    trainer.save(model)
    noted = {**config.flat(), "data": digits.form.model_dump(mode="json")}
    (model / "config.json").write_text(json.dumps(noted))
    paths = []
    for number, image in enumerate(digits.test_images[:40]):
        page = Image.new("L", (400, 300), 255)
        page.paste(Image.fromarray(255 - image).resize((140, 140)), (60, 80))
        paths.append(tmp_path / f"{number}.png")
        page.save(paths[-1])
    status, out, err = run_command(predict, "--model", model, *paths)
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["ink"] for row in rows} == {"dark"}
    found = np.array([int(row["class"]) for row in rows])
    assert (found == digits.test_labels[:40]).mean() >= 0.8


def test_idx_files_are_transposed_as_the_training_images_were(run_command, tmp_path):
    names = ("a", "b", "c")
    turned = kept(tmp_path / "turned", DataForm(class_names=names, transposed=True))
    plain = kept(tmp_path / "plain", DataForm(class_names=names))
    assert weights_of(turned).keys() == weights_of(plain).keys()
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    idx2numpy.convert_to_file(str(tmp_path / "raw"), images)
    idx2numpy.convert_to_file(str(tmp_path / "upright"), images.transpose(0, 2, 1))
    _, out, _ = run_command(predict, "--model", turned, tmp_path / "raw")
    _, expected, _ = run_command(predict, "--model", plain, tmp_path / "upright")
    assert out.replace("raw", "") == expected.replace("upright", "")


def test_the_number_of_class_names_must_fit_the_weights(run_command, shapes, tmp_path):
    config = json.loads((shapes / "config.json").read_text())
    config["data"]["class_names"].append("more")
    (shapes / "config.json").write_text(json.dumps(config))
    status, _, err = run_command(predict, "--model", shapes, tmp_path / "shapes")
    assert status == 2
    assert_named("data.class_names 3", err)


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_an_exported_model_accepts_rgb_and_names_the_classes(run_command, shapes, tmp_path, form):
    path = tmp_path / f"net.{'onnx' if form == 'onnx' else 'pt2'}"
    arguments = ("--model", shapes, "--format", form, "--output", path)
    status, out, err = run_command(export, *arguments)
    assert (status, err) == (0, "")
    for fact in ("uint8 (N, 64, 64, 3)", "RGB", "shapes", "64 random images"):
        assert fact in " ".join(out.split())
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = session.get_modelmeta().custom_metadata_map["class_names"]
    else:
        files = {"class_names": ""}
        torch.export.load(path, extra_files=files)
        names = files["class_names"]
    assert tuple(json.loads(names)) == CLASSES


def test_an_export_is_checked_on_images_of_its_form_only(run_command, shapes, tmp_path):
    path = tmp_path / "net.onnx"
    arguments = ("--model", shapes, "--output", path)
    status, _, err = run_command(export, *arguments, "--dataset", "digits")
    assert status == 2
    assert_named("digits 28x28 64x64 RGB shapes", err)
    assert not path.exists()
    status, out, _ = run_command(export, *arguments, "--data-dir", tmp_path / "shapes")
    assert status == 0
    assert "3 test images of shapes" in out
