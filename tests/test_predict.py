"""The predict command, which classifies pictures and IDX files."""

import contextlib
import csv
import errno
import gzip
import io
import os
import re
import subprocess
import sys
import threading

import idx2numpy
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from tests.hostile.folders import edit, write_ensemble_of
from tests.inference.pictures import picture_of
from tests.messages import assert_named
from tune_mnist.models import create_model
from tune_mnist.predict import predict


@pytest.fixture
def command(digits_lenet, run_command):
    """Return a function that runs the command with a LeNet: status, stdout, stderr."""

    def ran(*arguments, model=digits_lenet):
        return run_command(predict, "--model", model, *arguments)

    return ran


@pytest.fixture
def rows(command):
    """Return a function that runs the command and returns the rows of its CSV."""

    def read(*arguments):
        status, out, err = command(*arguments)
        assert (status, err) == (0, "")
        return list(csv.DictReader(io.StringIO(out)))

    return read


def images_in(out):
    return [row["image"] for row in csv.DictReader(io.StringIO(out))]


def probabilities(row):
    return np.array([float(row[f"p{i}"]) for i in range(10)])


@pytest.mark.parametrize("dark", [True, False], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"side": 150},
        {"side": 60, "size": (300, 200), "corner": (190, 10)},
        {"side": 500, "size": (900, 1400), "corner": (20, 850)},
    ],
    ids=["as is", "large", "in a corner", "photo size"],
)
def test_drawn_digits_are_classified(rows, placed_digits, tmp_path, dark, layout):
    truth = placed_digits.test_labels[:30]
    paths = [tmp_path / f"{i}.png" for i in range(len(truth))]
    for path, image in zip(paths, placed_digits.test_images, strict=False):
        picture_of(image, dark=dark, **layout).save(path)
    found = rows(*paths)
    assert [row["image"] for row in found] == [str(path) for path in paths]
    assert {row["ink"] for row in found} == {"dark" if dark else "light"}
    right = np.mean([int(row["class"]) == label for row, label in zip(found, truth, strict=True)])
    assert right >= 0.8


def test_probabilities_add_up_and_the_class_is_the_most_probable(rows, placed_digits, tmp_path):
    picture_of(placed_digits.test_images[0], dark=True).save(tmp_path / "a.png")
    (row,) = rows(tmp_path / "a.png")
    assert probabilities(row).sum() == pytest.approx(1, abs=1e-4)
    assert probabilities(row).argmax() == int(row["class"])
    assert row["index"] == ""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_an_idx_file_gives_one_row_per_image_in_order(rows, placed_digits, tmp_path, packed):
    # More than one batch, and an incomplete last batch.
    images = np.concatenate([placed_digits.train_images, placed_digits.test_images])[:1500]
    labels = np.concatenate([placed_digits.train_labels, placed_digits.test_labels])[:1500]
    path = tmp_path / "some-images"
    idx2numpy.convert_to_file(str(path), images)
    if packed:
        plain, path = path, tmp_path / "some-images.gz"
        path.write_bytes(gzip.compress(plain.read_bytes()))
    found = rows(path)
    assert [int(row["index"]) for row in found] == list(range(1500))
    assert {row["ink"] for row in found} == {""}
    assert np.mean([int(row["class"]) for row in found] == labels) > 0.9


def test_help_explains_the_columns_and_the_size_of_the_images(command, good):
    _, out, _ = command(good)
    header = out.splitlines()[0].split(",")
    result = CliRunner().invoke(predict, ["--help"])
    words = set(re.findall(r"\w+", result.output))
    assert set(header[:6]) <= words
    assert {"28x28", "digits"} <= words


def test_pictures_and_idx_files_can_be_mixed(rows, placed_digits, tmp_path):
    Image.fromarray(placed_digits.test_images[0]).save(tmp_path / "one.png")
    idx2numpy.convert_to_file(str(tmp_path / "two"), placed_digits.test_images[:2])
    found = rows(tmp_path / "two", tmp_path / "one.png")
    assert [(row["image"], row["index"]) for row in found] == [
        (str(tmp_path / "two"), "0"),
        (str(tmp_path / "two"), "1"),
        (str(tmp_path / "one.png"), ""),
    ]


def test_the_table_has_one_line_per_image(command, placed_digits, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    idx2numpy.convert_to_file(str(tmp_path / "two"), placed_digits.test_images[:2])
    picture_of(placed_digits.test_images[0], dark=True).save(tmp_path / "[red]one.png")
    status, out, err = command("--format", "table", tmp_path / "[red]one.png", tmp_path / "two")
    assert (status, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:4] == ["image", "ink", "class", "p(0)"]
    assert lines[1][0].endswith("[red]one.png")
    assert lines[1][1] == "dark"
    assert lines[2][0].endswith("two[0]")
    assert len(lines) == 4
    assert lines[1][2] == lines[2][1] == str(placed_digits.test_labels[0])


def test_the_table_has_no_column_of_ink_without_pictures(command, placed_digits, tmp_path):
    idx2numpy.convert_to_file(str(tmp_path / "two"), placed_digits.test_images[:2])
    _, out, _ = command("--format", "table", tmp_path / "two")
    assert "ink" not in out


def test_a_narrow_terminal_wraps_names_and_keeps_the_numbers(
    command, placed_digits, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / f"{'long' * 12}.png"
    picture_of(placed_digits.test_images[0], dark=True).save(path)
    _, out, _ = command("--format", "table", path)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines[1].split()) == 13
    assert "".join(line.split()[0] for line in lines[1:]) == str(path)


@pytest.mark.parametrize("classes", [27, 62])
def test_with_many_classes_the_table_has_the_most_probable_ones(
    command, placed_digits, tmp_path, monkeypatch, classes
):
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model": "lenet", "lr": 0.1}')
    network = create_model("lenet", classes)
    with torch.no_grad():
        network.classifier[-1].weight.zero_()
        network.classifier[-1].bias.copy_(torch.arange(classes) / 2)
    torch.save(network.state_dict(), folder / "model.pt")
    path = tmp_path / f"{'long' * 12}.png"
    picture_of(placed_digits.test_images[0], dark=True).save(path)
    status, out, _ = command("--format", "table", path, model=folder)
    assert status == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    last = classes - 1
    shown = " ".join(lines[1].split())
    assert f"dark {last} {last} 0.39 {last - 1} 0.24 {last - 2} 0.14" in shown


@pytest.fixture
def good(placed_digits, tmp_path):
    path = tmp_path / "good.png"
    picture_of(placed_digits.test_images[0], dark=True).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "content", "facts"),
    [
        ("missing.png", None, [os.strerror(errno.ENOENT)]),
        ("text.png", b"hello, world", ["not an image"]),
        ("empty.png", b"", ["not an image"]),
        ("cut-images", b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(9), ["truncated"]),
        ("labels", b"\0\0\x08\x01\0\0\0\x02\x01\x02", ["(N, 28, 28)"]),
        ("small", b"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\0", ["(N, 28, 28)", "(1, 1, 1)"]),
        ("none", b"\0\0\x08\x03\0\0\0\0\0\0\0\x1c\0\0\0\x1c", ["no images"]),
        ("images.gz", b"no gzip", ["not an image"]),
        ("images", b"\x1f\x8b no gzip", ["gzip"]),
    ],
)
def test_an_invalid_file_is_refused_after_the_rows_of_the_others(
    command, good, tmp_path, name, content, facts
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    status, out, err = command(path, good)
    assert (status, images_in(out)) == (2, [str(good)])
    assert err.startswith("error: ")
    assert_named([str(path), *facts], err)


def test_each_invalid_file_among_many_is_named(command, good, tmp_path):
    status, out, err = command(tmp_path / "one.png", good, tmp_path / "two.png")
    assert status == 2
    assert out.count(str(good)) == 1
    lines = err.splitlines()
    assert [line.partition(".png: ")[0] for line in lines] == [
        f"error: {tmp_path / name}" for name in ("one", "two")
    ]
    status, out, err = command(tmp_path / "one.png", tmp_path / "two.png")
    assert (status, out, err.splitlines()) == (2, "", lines)


def test_a_pickle_in_place_of_a_picture_is_not_executed(command, good, tmp_path, monkeypatch):
    called = tmp_path / "called"
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\necho 10.0 | tee -a {called}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghostscript.parent}:{os.environ['PATH']}")
    path = tmp_path / "digit.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    status, out, err = command(good, path)
    assert (status, images_in(out)) == (2, [str(good)])
    assert_named([str(path)], err)
    assert not called.exists()


def test_a_gzipped_idx_file_needs_no_suffix(rows, placed_digits, tmp_path):
    plain, packed = tmp_path / "two.gz", tmp_path / "two"
    idx2numpy.convert_to_file(str(plain), placed_digits.test_images[:2])
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, other = rows(plain, packed)[:2], rows(packed)
    assert [row["class"] for row in one] == [row["class"] for row in other]


@pytest.mark.parametrize("kind", ["picture", "idx", "gzipped idx"])
def test_a_pipe_is_read(rows, good, placed_digits, tmp_path, kind):
    content = good.read_bytes()
    if kind != "picture":
        idx2numpy.convert_to_file(str(tmp_path / "one"), placed_digits.test_images[:1])
        content = (tmp_path / "one").read_bytes()
    if kind == "gzipped idx":
        content = gzip.compress(content)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # The writer may open its end of the pipe before or after the reader.
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    (row,) = rows(pipe)
    writer.join()
    assert int(row["class"]) == placed_digits.test_labels[0]


@pytest.mark.parametrize("held", [True, False], ids=["silent writer", "no writer"])
def test_a_silent_pipe_is_refused_in_one_line(command, good, tmp_path, monkeypatch, held):
    patience = "WRITER_SECONDS" if held else "PIPE_SECONDS"
    monkeypatch.setattr(f"tune_mnist.inference.opening.{patience}", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR) if held else None
    status, out, err = command(good, pipe)
    if end is not None:
        os.close(end)
    assert (status, images_in(out)) == (2, [str(good)])
    assert_named([str(pipe), "no data"], err)


def test_an_endless_pipe_is_refused_in_one_line(command, good, tmp_path, monkeypatch):
    monkeypatch.setattr("tune_mnist.inference.opening.MAX_PIPE_BYTES", 1_000_000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write():
        with contextlib.suppress(BrokenPipeError), pipe.open("wb") as file:
            while True:
                file.write(bytes(1 << 16))

    writer = threading.Thread(target=write)
    writer.start()
    status, out, err = command(good, pipe)
    writer.join()
    assert (status, images_in(out)) == (2, [str(good)])
    assert_named([str(pipe), "1,000,000"], err)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused(command, good, device):
    status, out, err = command(good, device)
    assert (status, images_in(out)) == (2, [str(good)])
    assert_named([device, "is a device"], err)


def test_a_folder_is_refused(command, good, tmp_path):
    status, out, err = command(good, tmp_path)
    assert (status, images_in(out)) == (2, [str(good)])
    assert_named([str(tmp_path), os.strerror(errno.EISDIR)], err)


def test_an_invalid_model_is_refused_in_one_line(command, good, digits_lenet):
    status, out, err = command(good, model=digits_lenet.parent)
    assert (status, out) == (2, "")
    assert_named([str(digits_lenet)], err)


def test_an_ensemble_classifies(rows, digits_lenet, good, tmp_path, run_command):
    write_ensemble_of(tmp_path / "search", digits_lenet)
    (alone,) = rows(good)
    status, out, err = run_command(predict, "--ensemble", tmp_path / "search", good)
    assert (status, err) == (0, "")
    (together,) = csv.DictReader(io.StringIO(out))
    assert together["class"] == alone["class"]
    np.testing.assert_allclose(probabilities(together), probabilities(alone), atol=2e-6)


def test_an_ensemble_of_a_single_network_is_named(digits_lenet, good, tmp_path, run_command):
    write_ensemble_of(tmp_path / "search", digits_lenet)

    def keep_the_first(ensemble):
        first, other = ensemble["candidates"]
        first["count"], other["count"] = 1, 0
        ensemble["test"] = None

    edit(tmp_path / "search" / "ensemble" / "ensemble.json", keep_the_first)
    status, out, err = run_command(predict, "--ensemble", tmp_path / "search", good)
    assert status == 0
    assert len(out.splitlines()) == 2
    assert_named("single network", err)


@pytest.mark.parametrize(
    ("given", "fault"), [((), "neither"), (("--model", "x", "--ensemble", "y"), "combined")]
)
def test_either_a_model_or_an_ensemble_must_be_given(given, fault):
    code = (
        "import sys; from tune_mnist.command import run; from tune_mnist.predict import predict\n"
        "try: run(predict)\nfinally: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *given, "digit.png"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "False\n")
    assert done.stderr.startswith("error: ")
    assert_named(f"--model --ensemble {fault}", done.stderr)


def test_a_call_without_images_is_a_usage_error(command):
    status, _, err = command()
    assert status == 2
    assert "IMAGE" in err


def test_neither_ray_nor_optuna_is_imported(digits_lenet, good):
    code = (
        "import sys; from pathlib import Path;"
        "from tune_mnist.predict_run import predict_images; import tune_mnist.export_run;"
        f"predict_images(Path({str(digits_lenet)!r}), (Path({str(good)!r}),), None);"
        "print({'ray', 'optuna'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    )
    assert result.stdout.splitlines()[-1] == "set()"
    assert result.stderr == ""
