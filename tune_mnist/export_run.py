"""A trained model exported and checked, from the options of the command to the file."""

import os
from pathlib import Path

import torch

from tune_mnist.console import print_facts, report_console
from tune_mnist.data import load_dataset
from tune_mnist.data.form import SIDE
from tune_mnist.errors import UserError
from tune_mnist.files import require_writable
from tune_mnist.inference import load_model
from tune_mnist.inference.portable import (
    FORMATS,
    INPUT,
    OUTPUT,
    Format,
    export_classifier,
    require_packages,
)

CHECKED_IMAGES = 1_000


def export_model(
    model: Path,
    format: str,  # noqa: A002
    output: Path | None = None,
    dataset: str = "mnist",
    data_dir: Path | None = None,
) -> None:
    """Export a trained model, check the file against the original, and say what it takes.

    Args:
        model: folder of a trained model.
        format: onnx or torch.
        output: the file; None: named after the architecture, in the current folder.
        dataset: whose test images to compare on.
        data_dir: folder with its four IDX files, or None.

    Raises:
        UserError: wrong input, a package that is not installed, or a file that computes something
            else than the original; no file is left.
    """
    form = FORMATS[format]
    require_packages(format, form)
    trained = load_model(model, torch.device("cpu"))
    path = output or Path(trained.config.model + form.suffix)
    _require_writable(path, form)
    data = load_dataset(dataset, data_dir)
    images = data.test_images[:CHECKED_IMAGES]
    # The exporters' output is held back, the spinner's is not.
    console = report_console()
    with console.status("exporting and comparing"):
        difference = export_classifier(trained.classifier, path, form, images)
    facts = {
        "model": f"{trained.config.model}, from {model}",
        "file": f"{path}, {path.stat().st_size / 1e6:.1f} MB",
        "input": f"{INPUT}: uint8 (N, {SIDE}, {SIDE}), light digits on dark ground",
        "output": f"{OUTPUT}: float32 (N, {trained.num_classes})",
        "checked": f"on {len(images):,} test images of {data.name}: no probability differs by more"
        f" than {difference:.1e}",
    }
    print_facts(console, facts)


def _require_writable(path: Path, form: Format) -> None:
    if path.suffix != form.suffix:
        raise UserError(f"--output {path}: the name must end in {form.suffix}")
    if os.path.lexists(path):
        raise UserError(f"{path} exists already: remove it, or choose another --output")
    if not path.parent.is_dir():
        raise UserError(f"--output {path}: there is no folder {path.parent}")
    try:
        require_writable(path)
    except OSError as error:
        raise UserError(f"--output {path}: cannot be written: {error.strerror}") from None
