"""User errors that commands find before any work: one line, exit status 2, nothing written."""

import errno
import os
from pathlib import Path

import pytest

from tests.messages import assert_named
from tune_mnist.search import search
from tune_mnist.train import train

TRAIN = ("--model", "lenet", "--lr", "0.01")
DIGITS = (*TRAIN, "--dataset", "digits")
TOO_LONG = [os.strerror(errno.ENAMETOOLONG)]
COMMANDS = {"search": (search, ()), "train": (train, TRAIN)}


@pytest.fixture
def refused(tmp_path, run_command):
    """Function that checks that a command is refused with some facts, and writes nothing."""

    def check(facts, command, *arguments):
        results = tmp_path / "results"
        status, out, err = run_command(command, "--output-dir", results, *arguments)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert_named(facts, err)
        assert not results.exists()

    return check


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ([*DIGITS, "--name", "../x"], "--name '../x'"),
        ([*DIGITS, "--name", "a/b"], "--name 'a/b'"),
        ([*DIGITS, "--name", ""], "--name ''"),
        ([*DIGITS, "--name", "世" * 100], "--name 200"),
        ([*DIGITS, "--name", "\x1b[2J"], r"--name '\x1b[2J'"),
        ([*DIGITS, "--output-dir", "x" * 300], TOO_LONG),
        ([*DIGITS, "--output-dir", __file__], f"--output-dir {__file__}"),
        ([*DIGITS, "--output-dir", f"{__file__}/sub"], f"--output-dir {__file__}"),
        ([*DIGITS, "--name", ".", "--output-dir", "/"], "--name '.'"),
        ([*DIGITS, "--epochs", "0"], "'--epochs'"),
        ([*DIGITS, "--fraction", "1e-9"], "fraction 0 10"),
        ([*DIGITS, "--fraction", "nan"], "--fraction 0 1 nan"),
        ([*DIGITS, "--lr", "inf"], "--lr inf"),
        ([*DIGITS, "--batch-size", "-3"], "--batch-size 1 -3"),
        ([*DIGITS, "--seed", str(2**70)], "--seed"),
        ([*DIGITS, "--precision", "fp16"], "'fp16'"),
        ([*DIGITS, "--device", "gpu"], "'gpu'"),
        ([*DIGITS, "--data-dir", "."], "--data-dir . --dataset digits"),
        (["--model", "lenet", "--lr", "1", "--optimizer", "adams"], "'adam'"),
        (["--lr", "0.1"], "--model"),
        (["--model", "lenett", "--lr", "0.1"], "'lenett' 'lenet'"),
    ],
)
def test_invalid_options_of_train_are_refused(refused, arguments, facts):
    refused(facts, train, *arguments)


def test_an_existing_name_is_refused_before_training(refused, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "notes.txt").touch()
    arguments = (*DIGITS, "--output-dir", str(tmp_path), "--name", "one")
    refused([str(tmp_path / "one"), "--name"], train, *arguments)


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--space", "resnett"], "'resnett' 'resnet'"),
        (["--space", "missing.yaml"], "missing.yaml"),
        (["--space", ""], "''"),
        (["--num-sampels", "3"], "'--num-sampels' '--num-samples'"),
        (["--num-samples", "many"], "'many'"),
        (["--fraction", "7"], "--fraction 1 7.0"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--time-budget", "soon"], "'soon'"),
        (["--max-concurrent", "0"], "--max-concurrent 1 0"),
        (["--time-budget", "0"], "--time-budget 0 0.0"),
        (["--time-budget", "99999999h"], "--time-budget"),
        (["--cpus-per-trial", "nan"], "--cpus-per-trial nan"),
        (["--gpus-per-trial", "1.5"], "--gpus-per-trial 1.5"),
        (["--num-samples", "1.5"], "'1.5'"),
        (["--image-size", "1000000"], "--image-size 1024 1000000"),
        (["--val-fraction", "1e-6", "--dataset", "digits"], "val_fraction 0"),
        (["--resume"], "--resume --name"),
        (["--resume", "x" * 300], TOO_LONG),
        (["--space", f"./{'x' * 300}.yaml"], TOO_LONG),
        (["--data-dir", "x" * 300], TOO_LONG),
        (["--dataset", "digits", "--warm-start", "x" * 300], TOO_LONG),
        (["--max-failures", "9" * 30], "--max-failures"),
        (["--max-concurrent", "1000000"], "--max-concurrent"),
        (["--cpus-per-trial", "1e300"], "--cpus-per-trial"),
        (["--brackets", "1000"], "--brackets"),
        (["--dataset", "digits", "--address", "127.0.0.1:9"], "127.0.0.1:9"),
        (["--dataset", "digits", "--mlflow", "sqlite:///"], "--mlflow sqlite:///"),
        (["--dataset", "digits", "--mlflow", f"sqlite:///{__file__}/x.db"], f"{__file__}/x.db"),
        (["--dataset", "digits", "--mlflow", "http://127.0.0.1:1"], "--mlflow http://127.0.0.1:1"),
    ],
)
def test_invalid_options_of_search_are_refused(refused, arguments, facts):
    refused(facts, search, *arguments)


def test_the_error_without_a_network_names_every_source_and_a_remedy(
    refused, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TUNE_MNIST_DATA", raising=False)
    facts = ["https://", "npm", "--data-dir", "TUNE_MNIST_DATA", "--dataset digits"]
    refused(facts, search)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_damaged_data_file_is_refused(refused, idx_folder: Path, name):
    images = idx_folder / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    command, arguments = COMMANDS[name]
    refused([str(images)], command, *arguments, "--data-dir", str(idx_folder))
