"""Work of the command ``predict``: read images, classify them and print the results."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tune_mnist.console import report_console
from tune_mnist.data import DataForm
from tune_mnist.errors import UserError, error_line
from tune_mnist.files import named
from tune_mnist.inference import (
    Classifier,
    EnsembleClassifier,
    Input,
    Reading,
    load_ensemble,
    load_model,
    read_digits,
    read_input,
)
from tune_mnist.output import STANDARD_OUTPUT
from tune_mnist.quoting import printable, shortened
from tune_mnist.training import resolve_compute

MIN_PATH_WIDTH = 8
MAX_CLASSES_SHOWN = 4
"""Number of most probable classes in a table that is too narrow for all classes."""

MAX_NAME_WIDTH = 20


def predict_images(
    model: Path | None,
    images: tuple[Path, ...],
    format: str | None,  # noqa: A002
    ensemble: Path | None = None,
) -> None:
    """Classify images and print one row per image, batch by batch, for the command ``predict``.

    All files are read before the first image is classified. Errors of files that cannot be read
    are printed after the rows of the other files.

    Args:
        model: Folder of the trained model, or None for an ensemble.
        images: Paths of image files and IDX files.
        format: ``"table"`` or ``"csv"``. If None, a table is printed to a terminal and CSV to
            anything else.
        ensemble: Results folder of a search with an ensemble, or None for a single model.

    Raises:
        UserError: The model or a file cannot be read. If several files cannot be read, the last
            error is raised after the others are printed.
    """
    # Full precision, so that probabilities do not depend on the hardware.
    compute = resolve_compute("auto", "fp32")
    classifier = _load(model, ensemble, compute.device)
    inputs, refused = _read_all(images, classifier.form)
    if inputs:
        _print_readings(classifier, inputs, compute.device, format)
    for error in refused[:-1]:
        print(error_line(str(error)), file=sys.stderr)
    if refused:
        raise refused[-1]


def _load(
    model: Path | None, ensemble: Path | None, device: torch.device
) -> Classifier | EnsembleClassifier:
    if ensemble is not None:
        loaded = load_ensemble(ensemble, device)
        if len(loaded.classifiers) == 1:
            alone = f"--ensemble {ensemble}: this ensemble consists of a single network"
            print(printable(alone), file=sys.stderr)
        return loaded
    if model is None:
        raise ValueError("model and ensemble are None")
    return load_model(model, device)


def _read_all(paths: Iterable[Path], form: DataForm) -> tuple[list[Input], list[UserError]]:
    """Return the images of the readable files and the errors of the other files."""
    inputs, refused = [], []
    for path in paths:
        try:
            inputs.append(read_input(path, form))
        except UserError as error:
            refused.append(error)
    return inputs, refused


def _print_readings(
    classifier: Classifier | EnsembleClassifier,
    inputs: Sequence[Input],
    device: torch.device,
    format: str | None,  # noqa: A002
) -> None:
    readings = read_digits(classifier, inputs, device)
    console = report_console()
    if format == "table" or (format is None and console.is_terminal):
        longest = max(len(_label(given.path, len(given.images))) for given in inputs)
        ink = any(given.ink for given in inputs)
        _print_table(console, readings, classifier.form.class_names, longest, ink=ink)
    else:
        with named(STANDARD_OUTPUT):
            _write_csv(readings, classifier.form.class_names)


def _write_csv(readings: Iterable[list[Reading]], classes: Sequence[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    # Columns are p0, p1, ... for numbered classes and p_cat, p_dog, ... for named ones.
    prefix = "p" if all(name.isdecimal() for name in classes) else "p_"
    writer.writerow(["image", "index", "ink", "class", *(prefix + name for name in classes)])
    for batch in readings:
        for reading in batch:
            probabilities = (f"{p:.6f}" for p in reading.probabilities)
            start = (reading.path, reading.index, reading.ink, classes[reading.predicted])
            writer.writerow([*start, *probabilities])


def _print_table(
    console: Console,
    readings: Iterable[list[Reading]],
    classes: Sequence[str],
    longest: int,
    *,
    ink: bool,
) -> None:
    """Print one table per batch, all with the same column widths, so that they look like one."""
    name_width = min(MAX_NAME_WIDTH, max(map(len, classes)))
    first = [*([("ink", 5)] if ink else []), ("class", max(5, name_width))]
    others = [*first, *((f"p({name})", max(4, len(name) + 3)) for name in classes)]
    in_full = _width(others) + MIN_PATH_WIDTH <= console.width
    if not in_full:
        width = MAX_CLASSES_SHOWN * (max(3, name_width) + len(" 0.00  "))
        others = [*first, ("most probable", width)]
    left = console.width - _width(others)
    for number, batch in enumerate(readings):
        table = Table(box=None, show_header=number == 0, padding=(0, 1, 0, 0))
        table.add_column("image", width=min(longest, max(left, MIN_PATH_WIDTH)), overflow="fold")
        for name, width in others:
            table.add_column(Text(name), width=width, no_wrap=True)
        for reading in batch:
            probabilities = [f"{p:.2f}" for p in reading.probabilities]
            table.add_row(
                Text(_label(reading.path, reading.index)),
                *([reading.ink] if ink else []),
                Text(classes[reading.predicted], style="bold"),
                *(probabilities if in_full else [Text(_likeliest(reading, classes))]),
            )
        console.print(table)


def _width(columns: list[tuple[str, int]]) -> int:
    return sum(width + 1 for _, width in columns) + 1


def _likeliest(reading: Reading, classes: Sequence[str]) -> str:
    """Return the most probable classes, each with its probability."""
    order = np.argsort(-reading.probabilities, kind="stable")[:MAX_CLASSES_SHOWN]
    return "  ".join(
        f"{shortened(classes[number], MAX_NAME_WIDTH)} {reading.probabilities[number]:.2f}"
        for number in order
    )


def _label(path: Path, index: int | None) -> str:
    return str(path) if index is None else f"{path}[{index}]"
