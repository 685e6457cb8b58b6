"""The export command, which writes a trained model as ONNX or .pt2."""

import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import onnxruntime
import pytest
import torch

from tests.messages import assert_named
from tune_mnist.export import export

DIGITS = ("--dataset", "digits")


@pytest.fixture
def command(digits_lenet, monkeypatch, run_command, tmp_path):
    """Return a function that runs the command in an empty folder: status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    return partial(run_command, export, "--model", digits_lenet)


def right(answers, data):
    return (np.asarray(answers).argmax(axis=1) == data.test_labels).mean()


def test_onnx_is_written_to_the_current_folder_checked_and_classifies_digits(
    command, tmp_path, placed_digits
):
    status, out, err = command(*DIGITS)
    assert (status, err) == (0, "")
    for fact in ("uint8 (N, 28, 28)", "360 test images", "digits"):
        assert fact in out
    assert [path.name for path in tmp_path.iterdir()] == ["lenet.onnx"]
    session = onnxruntime.InferenceSession("lenet.onnx", providers=["CPUExecutionProvider"])
    (answers,) = session.run(None, {"images": placed_digits.test_images})
    assert right(answers, placed_digits) > 0.9


def test_torch_is_written_to_the_given_path(command, tmp_path, placed_digits):
    path = tmp_path / "winner.pt2"
    status, out, err = command(*DIGITS, "--format", "torch", "--output", str(path))
    assert (status, err) == (0, "")
    assert str(path) in out
    program = torch.export.load(path).module()
    assert right(program(torch.from_numpy(placed_digits.test_images)), placed_digits) > 0.9


def test_the_export_is_checked_on_the_given_images(command, idx_folder):
    status, out, _ = command("--data-dir", str(idx_folder), "--format", "torch")
    assert status == 0
    assert "20 test images" in out


def test_the_output_holds_no_warnings(digits_lenet, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tune_mnist.export", "--model", digits_lenet, *DIGITS],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""
    facts = [line.split()[0] for line in result.stdout.splitlines()]
    assert facts == ["model", "file", "input", "output", "classes", "checked"]


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--output", "there.onnx"], "there.onnx"),
        (["--output", "x.pt2"], "--output x.pt2 .onnx"),
        (["--output", "no/x.onnx"], "--output no/x.onnx no"),
        (["--output", f"{'x' * 300}.onnx"], "--output"),
        (["--output", f"{'x' * 300}/x.onnx"], "x" * 300),
        (["--output", "/proc/x.onnx"], "--output /proc/x.onnx"),
        (["--output", "there.onnx/x.onnx"], "--output there.onnx"),
        (["--format", "tflite"], "'tflite' onnx torch"),
        (["--dataset", "mnits"], "'mnits' 'mnist'"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--model", "nowhere"], "--model nowhere"),
    ],
)
def test_user_errors_are_one_line_and_write_nothing(command, tmp_path, arguments, facts):
    (tmp_path / "there.onnx").write_text("mine")
    status, out, err = command(*DIGITS[: 0 if "--data-dir" in arguments else 2], *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert_named(facts, err)
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_a_damaged_model_is_one_line(command, digits_lenet, tmp_path):
    damaged = shutil.copytree(digits_lenet, tmp_path / "damaged")
    (damaged / "model.pt").write_bytes(b"no weights")
    status, out, err = command(*DIGITS, "--model", str(damaged))
    assert (status, out) == (2, "")
    assert_named([str(damaged / "model.pt")], err)
