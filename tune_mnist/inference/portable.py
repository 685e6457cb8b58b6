"""Export of trained models to ONNX and to PyTorch's exported programs (.pt2)."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.onnx import ONNXProgram

from tune_mnist.errors import UserError
from tune_mnist.files import new_file
from tune_mnist.inference.model import Classifier
from tune_mnist.inference.reading import classify_images

INPUT, OUTPUT = "images", "probabilities"
CLASS_NAMES_KEY = "class_names"
"""Metadata key of the class names, stored as JSON in the order of the outputs."""

# The oldest opset that PyTorch's exporter writes, supported by all recent runtimes.
OPSET = 18

TOLERANCE = 1e-4
"""Maximum difference between two probabilities that counts as a rounding error."""

ONNX_SILENT = 4
ONNX_TRACE = "pkg.torch.onnx.stack_trace"

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Format:
    """File format for exported models.

    Attributes:
        suffix: Suffix of the file names.
        packages: Packages that are required to write and verify a file.
        write: Function that writes an exported program and its metadata to a file.
        load: Function that loads a file and returns a function from images to probabilities.
    """

    suffix: str
    packages: tuple[str, ...]
    write: Callable[[ExportedProgram, Path, dict[str, str]], None]
    load: Callable[[Path], Run]


def export_classifier(
    classifier: Classifier,
    path: Path,
    form: Format,
    images: NDArray[np.uint8],
    tolerance: float = TOLERANCE,
) -> float:
    """Export a model to a file and check that the file computes the same probabilities.

    The exported graph maps ``images``, uint8 (N, S, S) or (N, S, S, 3) for any N, to
    ``probabilities``, float32 (N, C). It includes scaling, resizing or padding, and the softmax.
    The metadata of the file contains the names of the classes.

    Args:
        classifier: Classifier to export, on the CPU.
        path: Path of the file to write. The file is created only if the comparison succeeds.
        form: File format, one of EXPORT_FORMATS.
        images: Images to compare the probabilities on, uint8 (M, S, S) or (M, S, S, 3).
        tolerance: Maximum accepted difference between the probabilities of the file and of the
            model.

    Returns:
        Maximum difference between the probabilities of the file and of the model.

    Raises:
        UserError: The probabilities differ by more than the tolerance.
    """
    with new_file(path) as partial, quiet():
        data = classifier.form
        known = {CLASS_NAMES_KEY: json.dumps(data.class_names), INPUT: data.pixels}
        form.write(_program(classifier), partial, known)
        difference = _difference(classifier, form.load(partial), images)
        if not difference <= tolerance:
            raise UserError(
                f"{path}: the file is not written, as its probabilities differ from the original"
                f" model's by up to {difference:.1e} on {len(images):,} images, but must differ by"
                f" at most {tolerance:.0e}"
            )
    return difference


def require_packages(name: str, form: Format) -> None:
    """Check that the packages required by a file format are installed.

    Raises:
        UserError: A package is missing. The message gives the command that installs it.
    """
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise UserError(
            f"--format {name} requires {', '.join(missing)}: install with pip install"
            f" 'tune-mnist[{name}]', or choose another format"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager that suppresses output, warnings and log messages of Python code."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _program(classifier: Classifier) -> ExportedProgram:
    # torch.export treats a batch size of 1 as a constant.
    example = torch.zeros((2, *classifier.form.shape), dtype=torch.uint8)
    program = torch.export.export(
        classifier, (example,), dynamic_shapes={INPUT: {0: Dim("batch")}}, strict=False
    )
    # The stack traces contain paths of this machine.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program


def _difference(classifier: Classifier, run: Run, images: NDArray[np.uint8]) -> float:
    """Return the maximum difference of the probabilities, or NaN if any probability is NaN."""
    largest, first = 0.0, 0
    for expected in classify_images(classifier, images, torch.device("cpu")):
        got = run(images[first : first + len(expected)])
        largest = float(np.maximum(largest, np.abs(got - expected).max()))
        first += len(expected)
    return largest


def _write_onnx(program: ExportedProgram, path: Path, known: dict[str, str]) -> None:
    exported = cast(
        ONNXProgram,  # only the old exporter returns None
        torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            external_data=False,
            verbose=False,
        ),
    )
    for node in exported.model.graph:
        node.metadata_props.pop(ONNX_TRACE, None)
    exported.model.metadata_props.update(known)
    exported.save(path)


def _load_onnx(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ONNX_SILENT
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        (probabilities,) = session.run([OUTPUT], {INPUT: images})
        result: NDArray[np.float32] = probabilities
        return result

    return run


def _write_torch(program: ExportedProgram, path: Path, known: dict[str, str]) -> None:
    torch.export.save(program, path, extra_files=dict(known))


def _load_torch(path: Path) -> Run:
    network = torch.export.load(path).module()

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        probabilities: Tensor = network(torch.tensor(images))
        result: NDArray[np.float32] = probabilities.numpy()
        return result

    return run


EXPORT_FORMATS = {
    "onnx": Format(".onnx", ("onnx", "onnxscript", "onnxruntime"), _write_onnx, _load_onnx),
    "torch": Format(".pt2", (), _write_torch, _load_torch),
}
