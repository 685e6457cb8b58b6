"""Trained models in files that need none of our code: ONNX, and PyTorch's exported programs."""

import json
from collections.abc import Callable
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
from tune_mnist.inference.quiet import quiet
from tune_mnist.inference.reading import classify_images

INPUT, OUTPUT = "images", "probabilities"
CLASS_NAMES = "class_names"
"""Metadata of the file: the names of the classes in the order of the output, as JSON."""
# The oldest that PyTorch's exporter writes: every runtime of the last years reads it.
OPSET = 18
# Other kernels add up in another order; this much in a probability is no longer rounding.
TOLERANCE = 1e-4
ONNX_SILENT = 4
ONNX_TRACE = "pkg.torch.onnx.stack_trace"

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Format:
    """A kind of file that a model can be exported to.

    Attributes:
        suffix: how its files' names end.
        packages: what writing and checking it needs, beyond what the project always needs.
        write: Writes the program and what is to be known of it to a file.
        load: reads the file back, as a user would; returns what computes its output.
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
    """Write a model to a file, read it back, and compare its output with the original's.

    The graph takes ``images``, uint8 (N, S, S) or (N, S, S, 3) for any N, as the model was trained
    on them, and gives ``probabilities``, float32 (N, C). Scaling, resizing or padding, and the
    softmax are part of it. The file also says the names of the classes.

    Args:
        classifier: Classifier on the CPU.
        path: the file; it appears only if all goes well.
        form: one of FORMATS.
        images: uint8 (M, S, S) or (M, S, S, 3), to compare on.
        tolerance: the largest difference of a probability that is rounding.

    Returns:
        The largest difference of any probability.

    Raises:
        UserError: they differ by more than the tolerance.
    """
    with new_file(path) as partial, quiet():
        data = classifier.form
        known = {CLASS_NAMES: json.dumps(data.class_names), INPUT: data.pixels}
        form.write(_program(classifier), partial, known)
        difference = _difference(classifier, form.load(partial), images)
        if not difference <= tolerance:
            raise UserError(
                f"{path}: not written: probabilities differ from the original's by up to"
                f" {difference:.1e} on {len(images):,} images: at most {tolerance:.0e} would be"
                " rounding"
            )
    return difference


def require_packages(name: str, form: Format) -> None:
    """See that what an export needs is installed.

    Raises:
        UserError: it is not; the message says how to install it.
    """
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise UserError(
            f"--format {name}: {', '.join(missing)} not installed: pip install"
            f" 'tune-mnist[{name}]', or choose another format"
        )


def _program(classifier: Classifier) -> ExportedProgram:
    # A batch of 1 would be taken for a constant.
    example = torch.zeros((2, *classifier.form.shape), dtype=torch.uint8)
    program = torch.export.export(
        classifier, (example,), dynamic_shapes={INPUT: {0: Dim("batch")}}, strict=False
    )
    # Where each operation stood in the source: paths of this machine, of no use on another.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program


def _difference(classifier: Classifier, run: Run, images: NDArray[np.uint8]) -> float:
    """Return the largest difference of a probability, NaN if one of them is NaN."""
    largest, first = 0.0, 0
    for expected in classify_images(classifier, images, torch.device("cpu")):
        got = run(images[first : first + len(expected)])
        largest = float(np.maximum(largest, np.abs(got - expected).max()))
        first += len(expected)
    return largest


def _write_onnx(program: ExportedProgram, path: Path, known: dict[str, str]) -> None:
    exported = cast(
        ONNXProgram,  # None comes of the old exporter only
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


FORMATS = {
    "onnx": Format(".onnx", ("onnx", "onnxscript", "onnxruntime"), _write_onnx, _load_onnx),
    "torch": Format(".pt2", (), _write_torch, _load_torch),
}
