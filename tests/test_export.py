"""The export command, which writes a trained model as ONNX or .pt2."""

import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch

from tune_mnist.command import run
from tune_mnist.export import export

DIGITS = ("--dataset", "digits")


@pytest.fixture
def command(digits_lenet, monkeypatch, capsys, tmp_path):
    """Return a function that runs the command in an empty folder: status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments):
        monkeypatch.setattr("sys.argv", ["export", "--model", str(digits_lenet), *arguments])
        with pytest.raises(SystemExit) as caught:
            run(export)
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return ran


def right(answers, data):
    return (np.asarray(answers).argmax(axis=1) == data.test_labels).mean()


def test_onnx_is_written_to_the_current_folder_checked_and_classifies_digits(
    command, tmp_path, placed_digits
):
    status, out, err = command(*DIGITS)
    assert (status, err) == (0, "")
    assert "input   images: uint8 (N, 28, 28), light digits on dark ground" in out
    assert "checked on 360 test images of digits" in out
    assert [path.name for path in tmp_path.iterdir()] == ["lenet.onnx"]
    session = onnxruntime.InferenceSession("lenet.onnx", providers=["CPUExecutionProvider"])
    (answers,) = session.run(None, {"images": placed_digits.test_images})
    assert right(answers, placed_digits) > 0.9


def test_torch_is_written_to_the_given_path(command, tmp_path, placed_digits):
    path = tmp_path / "winner.pt2"
    status, out, err = command(*DIGITS, "--format", "torch", "--output", str(path))
    assert (status, err) == (0, "")
    assert f"file    {path}" in out
    program = torch.export.load(path).module()
    assert right(program(torch.from_numpy(placed_digits.test_images)), placed_digits) > 0.9


def test_the_export_is_checked_on_the_given_images(command, idx_folder):
    status, out, _ = command("--data-dir", str(idx_folder), "--format", "torch")
    assert status == 0
    assert "on 20 test images" in out


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
    ("arguments", "words"),
    [
        (["--output", "there.onnx"], "there.onnx already exists"),
        (["--output", "x.pt2"], "--output x.pt2: the name must end in .onnx"),
        (["--output", "no/x.onnx"], "--output no/x.onnx: the folder no does not exist"),
        (["--output", f"{'x' * 300}.onnx"], "cannot be written: File name too long"),
        (["--output", f"{'x' * 300}/x.onnx"], "File name too long"),
        (["--output", "/proc/x.onnx"], "--output /proc/x.onnx: cannot be written: "),
        (["--output", "there.onnx/x.onnx"], "the folder there.onnx does not exist"),
        (["--format", "tflite"], "unknown format 'tflite': choose one of onnx, torch"),
        (["--dataset", "mnits"], "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        (["--data-dir", "nowhere"], "nowhere: there is no such folder"),
        (["--model", "nowhere"], "--model nowhere: there is no such folder"),
    ],
)
def test_user_errors_are_one_line_and_write_nothing(command, tmp_path, arguments, words):
    (tmp_path / "there.onnx").write_text("mine")
    status, out, err = command(*DIGITS[: 0 if "--data-dir" in arguments else 2], *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_a_damaged_model_is_one_line(command, digits_lenet, tmp_path):
    damaged = shutil.copytree(digits_lenet, tmp_path / "damaged")
    (damaged / "model.pt").write_bytes(b"no weights")
    status, out, err = command(*DIGITS, "--model", str(damaged))
    assert (status, out) == (2, "")
    assert "model.pt: " in err
    assert err.count("\n") == 1
