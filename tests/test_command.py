"""Error lines, exit statuses and durations of commands."""

import errno
import os
import re
from collections.abc import Callable
from typing import NoReturn

import click
import pytest

from tune_mnist.__main__ import cli
from tune_mnist.command import SpaceCommand, duration, run
from tune_mnist.errors import UserError, unknown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("25m", 1500), ("1.5h", 5400), (" 2 m ", 120), ("0", 0)],
)
def test_durations_are_parsed_to_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "5d", "1e3", "m", "5mm", "nan", "inf", "1:30"])
def test_the_error_for_an_invalid_duration_names_valid_ones(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"number with s, m or h, such as 25m"):
        duration(text)


def outcome(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    body: Callable[[], object],
    *arguments: str,
) -> tuple[object, str, str]:
    """Run a command with a given body; return exit status, stdout and stderr."""

    number = click.Option(["--number"], type=int, expose_value=False)
    monkeypatch.setattr("sys.argv", ["command", *arguments])
    with pytest.raises(SystemExit) as caught:
        run(click.Command("command", callback=body, params=[number]))
    return caught.value.code, *capsys.readouterr()


def failing(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def test_exit_status_is_the_return_value_of_the_command(capsys, monkeypatch):
    assert outcome(capsys, monkeypatch, lambda: None)[0] == 0
    assert outcome(capsys, monkeypatch, lambda: 130)[0] == 130


def test_help_exits_with_0(capsys, monkeypatch):
    status, out, err = outcome(capsys, monkeypatch, lambda: 1, "--help")
    assert (status, err) == (0, "")
    assert "--number" in out


def test_a_user_error_of_several_lines_is_printed_as_one(capsys, monkeypatch):
    status, out, err = outcome(capsys, monkeypatch, failing(UserError("space.yaml:\n  wrong\n")))
    assert (status, out, err) == (2, "", "error: space.yaml: wrong\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--numbr", "3"], "--number"),
        (["--number", "many"], "'many' is not a valid integer"),
        (["--number"], "requires an argument"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_a_wrong_option_is_one_line(capsys, monkeypatch, arguments, words):
    status, out, err = outcome(capsys, monkeypatch, lambda: None, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "closest"),
    [
        (["search", "--num-sample", "4"], "--num-samples"),
        (["search", "--results-dir", "x"], "--output-dir"),
        (["search", "--n-trials", "4"], "--num-samples"),
        (["train", "--learning-rate", "0.1"], "--lr"),
        (["train", "--learning-rat", "0.1"], "--lr"),
        (["train", "--epoch", "4"], "--epochs"),
        (["train", "--hlep"], "--help"),
        (["search", "--hlep"], "--help"),
        (["search", "--hel"], "--help"),
        (["search", "--no-portfoli"], "--no-portfolio"),
        (["search", "--num-trials", "4"], "--num-samples"),
        (["search", "--max-trials", "4"], "--num-samples"),
        (["search", "--trial", "4"], "--num-samples"),
        (["search", "--trials", "4"], "--num-samples"),
        (["serch"], "search"),
    ],
)
def test_the_closest_name_is_suggested_first(capsys, monkeypatch, arguments, closest):
    monkeypatch.setattr("sys.argv", ["tune-mnist", *arguments])
    with pytest.raises(SystemExit):
        run(cli)
    err = capsys.readouterr().err
    assert re.findall("'([^']+)'", err)[1] == closest


@pytest.mark.parametrize("flag", ["--url", "--log", "-l", "--of", "--the", "--with", "--none"])
def test_nothing_is_suggested_for_an_option_that_is_like_no_other(capsys, monkeypatch, flag):
    monkeypatch.setattr("sys.argv", ["tune-mnist", "search", flag])
    with pytest.raises(SystemExit):
        run(cli)
    err = capsys.readouterr().err
    assert "'" + flag + "'" in err
    assert "--help" in err
    assert "hyperparameter" not in err
    assert "did you mean" not in err


def test_a_command_declares_the_hyperparameters_that_are_no_options(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["command", "--heat", "3"])
    with pytest.raises(SystemExit):
        run(SpaceCommand(name="command", hyperparameters={"oven_heat": "Heat."}))
    assert "oven_heat is a hyperparameter" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--lr", "--learning-rate", "--learning-rat"])
def test_a_search_says_where_the_range_of_a_hyperparameter_is_set(capsys, monkeypatch, flag):
    monkeypatch.setattr("sys.argv", ["tune-mnist", "search", flag, "0.1"])
    with pytest.raises(SystemExit):
        run(cli)
    err = capsys.readouterr().err
    assert "lr is a hyperparameter" in err
    assert "--space" in err
    assert err.count("\n") == 1


def test_ctrl_c_prints_one_word_and_exits_with_130(capsys, monkeypatch):
    status, out, err = outcome(capsys, monkeypatch, failing(KeyboardInterrupt()))
    assert (status, out, err.strip()) == (130, "", "interrupted")


def test_ctrl_c_prints_what_can_be_done_next(capsys, monkeypatch):
    interrupt = KeyboardInterrupt("to resume: it")
    status, out, err = outcome(capsys, monkeypatch, failing(interrupt))
    assert (status, out, err.strip()) == (130, "", "interrupted; to resume: it")


def test_an_interrupt_is_printed_as_one_line_without_control_characters(capsys, monkeypatch):
    interrupt = KeyboardInterrupt("to resume: a\x1b[2J\nb")
    _, _, err = outcome(capsys, monkeypatch, failing(interrupt))
    assert err.lstrip() == "interrupted; to resume: a\\x1b[2J\\nb\n"


def test_the_message_of_another_cause_than_ctrl_c_is_not_printed(capsys, monkeypatch):
    def body() -> NoReturn:
        raise click.Abort from EOFError("EOF when reading a line")

    assert outcome(capsys, monkeypatch, body)[2] == "interrupted\n"


def test_a_full_disk_is_one_line(capsys, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/x/model.pt")
    status, _, err = outcome(capsys, monkeypatch, failing(full))
    assert (status, err) == (2, "error: results/x/model.pt: No space left on device\n")


def test_a_full_disk_without_a_file_name_is_one_line(capsys, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert outcome(capsys, monkeypatch, failing(full))[0::2] == (
        2,
        "error: No space left on device\n",
    )


@pytest.mark.parametrize("fault", [ValueError("a fault of ours"), FileNotFoundError(2, "x", "y")])
def test_an_internal_error_keeps_its_traceback(capsys, monkeypatch, fault):
    with pytest.raises(type(fault)):
        outcome(capsys, monkeypatch, failing(fault))


def test_the_console_script_without_arguments_lists_its_commands(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tune-mnist"])
    with pytest.raises(SystemExit) as caught:
        run(cli)
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    assert "search" in out
    assert "train" in out
    assert "report" in out


def test_an_error_lists_all_names_if_they_are_few_or_none_is_close():
    assert "choose one of sgd, adam" in str(unknown("optimizer", "zzz", iter(["sgd", "adam"])))
    many = [f"name-{letter * 9}" for letter in "abcdefghijkl"]
    assert all(name in str(unknown("word", "zzz", many)) for name in many)
    close = str(unknown("word", many[3].upper(), many))
    assert many[3] in close
    assert sum(name in close for name in many) < 4
