"""Error lines, exit statuses and durations of commands."""

import errno
import os
import re
from collections.abc import Callable
from typing import NoReturn

import click
import pytest

from tests.messages import assert_named
from tune_mnist.__main__ import cli
from tune_mnist.command import SpaceCommand, duration
from tune_mnist.errors import UserError, unknown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("25m", 1500), ("1.5h", 5400), (" 2 m ", 120), ("0", 0)],
)
def test_durations_are_parsed_to_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "5d", "1e3", "m", "5mm", "nan", "inf", "1:30"])
def test_the_error_for_an_invalid_duration_names_valid_ones(text: str) -> None:
    with pytest.raises(click.BadParameter, match="25m"):
        duration(text)


def outcome(
    run_command: Callable[..., tuple[object, str, str]],
    body: Callable[[], object],
    *arguments: str,
) -> tuple[object, str, str]:
    """Run a command with a given body; return exit status, stdout and stderr."""
    number = click.Option(["--number"], type=int, expose_value=False)
    return run_command(click.Command("command", callback=body, params=[number]), *arguments)


def failing(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def test_exit_status_is_the_return_value_of_the_command(run_command):
    assert outcome(run_command, lambda: None)[0] == 0
    assert outcome(run_command, lambda: 130)[0] == 130


def test_help_exits_with_0(run_command):
    status, out, err = outcome(run_command, lambda: 1, "--help")
    assert (status, err) == (0, "")
    assert "--number" in out


def test_a_user_error_of_several_lines_is_printed_as_one(run_command):
    status, out, err = outcome(run_command, failing(UserError("space.yaml:\n  wrong\n")))
    assert (status, out, err) == (2, "", "error: space.yaml: wrong\n")


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--numbr", "3"], "'--numbr' '--number'"),
        (["--number", "many"], "'--number' 'many'"),
        (["--number"], "'--number'"),
        (["more"], "more --help"),
    ],
)
def test_a_wrong_option_is_one_line(run_command, arguments, facts):
    status, out, err = outcome(run_command, lambda: None, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert_named(facts, err)


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
def test_the_closest_name_is_suggested_first(run_command, arguments, closest):
    _, _, err = run_command(cli, *arguments)
    assert re.findall("'([^']+)'", err)[1] == closest


@pytest.mark.parametrize("flag", ["--url", "--log", "-l", "--of", "--the", "--with", "--none"])
def test_nothing_is_suggested_for_an_option_that_is_like_no_other(run_command, flag):
    _, _, err = run_command(cli, "search", flag)
    assert re.findall("'([^']+)'", err) == [flag]
    assert "--help" in err


def test_a_command_declares_the_hyperparameters_that_are_no_options(run_command):
    command = SpaceCommand(name="command", hyperparameters={"oven_heat": "Heat."})
    assert_named("oven_heat", run_command(command, "--heat", "3")[2])


@pytest.mark.parametrize("flag", ["--lr", "--learning-rate", "--learning-rat"])
def test_a_search_says_where_the_range_of_a_hyperparameter_is_set(run_command, flag):
    assert_named("lr --space", run_command(cli, "search", flag, "0.1")[2])


def test_ctrl_c_prints_one_word_and_exits_with_130(run_command):
    status, out, err = outcome(run_command, failing(KeyboardInterrupt()))
    assert (status, out, len(err.split())) == (130, "", 1)


def test_ctrl_c_prints_what_can_be_done_next(run_command):
    status, out, err = outcome(run_command, failing(KeyboardInterrupt("to resume: it")))
    assert (status, out) == (130, "")
    assert err.endswith("to resume: it\n")


def test_an_interrupt_is_printed_as_one_line_without_control_characters(run_command):
    interrupt = KeyboardInterrupt("to resume: a\x1b[2J\nb")
    _, _, err = outcome(run_command, failing(interrupt))
    assert err.endswith("to resume: a\\x1b[2J\\nb\n")
    assert "\n" not in err.strip()


def test_the_message_of_another_cause_than_ctrl_c_is_not_printed(run_command):
    def body() -> NoReturn:
        raise click.Abort from EOFError("EOF when reading a line")

    assert "EOF" not in outcome(run_command, body)[2]


@pytest.mark.parametrize("file", ["results/x/model.pt", None])
def test_a_full_disk_is_one_line(run_command, file):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file)
    status, _, err = outcome(run_command, failing(full))
    assert status == 2
    assert err.startswith("error: ")
    assert_named([os.strerror(errno.ENOSPC), *([file] if file else [])], err)


@pytest.mark.parametrize("fault", [ValueError("a fault of ours"), FileNotFoundError(2, "x", "y")])
def test_an_internal_error_keeps_its_traceback(run_command, fault):
    with pytest.raises(type(fault)):
        outcome(run_command, failing(fault))


def test_the_console_script_without_arguments_lists_its_commands(run_command):
    status, out, err = run_command(cli)
    assert (status, err) == (0, "")
    assert all(name in out for name in ("search", "train", "report"))


def test_an_error_lists_all_names_if_they_are_few_or_none_is_close():
    assert_named("sgd adam", str(unknown("optimizer", "zzz", iter(["sgd", "adam"]))))
    many = [f"name-{letter * 9}" for letter in "abcdefghijkl"]
    assert all(name in str(unknown("word", "zzz", many)) for name in many)
    close = str(unknown("word", many[3].upper(), many))
    assert many[3] in close
    assert sum(name in close for name in many) < 4
