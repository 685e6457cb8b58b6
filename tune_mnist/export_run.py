"""Work of the command ``export``: write a trained model to a file and verify the file."""

import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tune_mnist.console import print_facts, report_console
from tune_mnist.data import load_dataset
from tune_mnist.data.form import RGB, DataForm
from tune_mnist.errors import UserError
from tune_mnist.files import require_writable
from tune_mnist.inference import load_model
from tune_mnist.inference.portable import (
    EXPORT_FORMATS,
    INPUT,
    OUTPUT,
    Format,
    export_classifier,
    require_packages,
)
from tune_mnist.training import out_of_memory_reported

CHECKED_IMAGES = 1_000
RANDOM_IMAGES = 64


def export_model(
    model: Path,
    format: str,  # noqa: A002
    output: Path | None = None,
    dataset: str | None = None,
    data_dir: Path | None = None,
) -> None:
    """Export a trained model, compare the file with the original model and print a summary.

    Args:
        model: Folder of the trained model.
        format: ``"onnx"`` or ``"torch"``.
        output: Path of the file to write. If None, ``<architecture>.<suffix>`` is written to the
            current folder.
        dataset: Name of the data set whose test images are used for the comparison. If None, MNIST
            is used, or random images if the model was trained on images of another shape.
        data_dir: Folder or file with the user's own data, or None.

    Raises:
        UserError: The input is invalid, a package is not installed, or the outputs of the file
            differ from the original. No file is left behind.
    """
    form = EXPORT_FORMATS[format]
    require_packages(format, form)
    classifier = load_model(model, torch.device("cpu"))
    data, architecture = classifier.form, classifier.config.model
    path = output or Path(architecture + form.suffix)
    _require_writable(path, form)
    images, called = _images(data, dataset, data_dir)
    # Created before the export, which silences standard output, so that the spinner stays visible.
    console = report_console()
    with (
        console.status("exporting and comparing"),
        out_of_memory_reported(f"--model {model}: not enough memory to export and compare it"),
    ):
        difference = export_classifier(classifier, path, form, images)
    facts = {
        "model": f"{architecture}, from {model}",
        "file": f"{path}, {path.stat().st_size / 1e6:.1f} MB",
        "input": f"{INPUT}: uint8 {data.batch_shape}, {_kind(data)}",
        "output": f"{OUTPUT}: float32 (N, {len(data.class_names)})",
        "classes": ", ".join(data.class_names),
        "checked": f"on {len(images):,} {called}: probabilities differ by at most"
        f" {difference:.1e}",
    }
    print_facts(console, facts)


def _kind(form: DataForm) -> str:
    """Describe the images that the model expects."""
    if form.is_placed:
        light = "light digits on dark ground"
        return light if form.centred else f"{light} that fill the image, as in {form.name}"
    turned = ", rows and columns exchanged" if form.transposed else ""
    return f"{'RGB' if form.channels == RGB else 'grey'} as in {form.name}{turned}"


def _images(
    form: DataForm, dataset: str | None, data_dir: Path | None
) -> tuple[NDArray[np.uint8], str]:
    """Return images for the comparison and their name for the summary."""
    if dataset is None and data_dir is None and not form.is_mnist_like:
        random = np.random.default_rng(0)
        return random.integers(0, 256, (RANDOM_IMAGES, *form.shape), np.uint8), "random images"
    data = load_dataset(dataset or "mnist", data_dir, transpose=form.transposed and bool(data_dir))
    if data.train_images.shape[1:] != form.shape:
        raise UserError(
            f"{data.name}: the data set has {data.form.pixels} images, but the model was trained"
            f" on {form.pixels} images of {form.name}: omit --dataset and --data-dir, or choose"
            " data of this size"
        )
    return data.test_images[:CHECKED_IMAGES], f"test images of {data.name}"


def _require_writable(path: Path, form: Format) -> None:
    if path.suffix != form.suffix:
        raise UserError(f"--output {path}: the name must end in {form.suffix}")
    if os.path.lexists(path):
        raise UserError(f"{path} already exists: remove it or choose another --output")
    if not path.parent.is_dir():
        raise UserError(f"--output {path}: the folder {path.parent} does not exist")
    try:
        require_writable(path)
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written: {error.strerror}") from None
