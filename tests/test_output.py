"""Output that cannot be written or encoded never ends a command with a traceback."""

import io
import subprocess
import sys

import pytest

from tune_mnist.output import UnfailingStream, accept_all_characters, finish_output

PRINTS = r"""
import click
from tune_mnist.command import run
from tune_mnist.console import report_console

@click.command()
def prints():
    console = report_console()
    for number in range(5_000):
        console.print(f"line {number} \u00b7 \udce4")
    click.echo("done", err=True)

run(prints)
"""


def printed(redirected: str, **environment: str) -> tuple[int, str, str]:
    """Run a command with much output; return exit status, standard output and standard error."""
    script = f'set -o pipefail; {sys.executable} -c "$0" {redirected}'
    done = subprocess.run(
        ["bash", "-c", script, PRINTS],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=environment,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_closed_pipe_does_not_end_the_command() -> None:
    status, out, err = printed("| head -1")
    assert (status, err) == (0, "done\n")
    assert out.startswith("line 0 ")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8:strict", "latin-1"])
def test_characters_outside_the_output_encoding_are_escaped(encoding: str) -> None:
    status, out, err = printed("| iconv -f latin1 -t utf-8 | tail -1", PYTHONIOENCODING=encoding)
    assert (status, err) == (0, "done\n")
    assert out.startswith("line 4999 ")
    assert out.rstrip().endswith(r"\udce4")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_for_the_output_is_one_line_at_the_end() -> None:
    status, out, err = printed("> /dev/full")
    assert (status, out) == (2, "")
    assert err == "done\nerror: standard output: No space left on device\n"


def test_a_closed_output_does_not_end_the_command() -> None:
    assert printed(">&-") == (0, "", "done\n")


def test_a_missing_stream_is_accepted() -> None:
    accept_all_characters(None)
    stream = UnfailingStream(None)
    assert stream.write("text") == 4
    stream.flush()
    finish_output()


def test_a_stream_in_memory_is_accepted() -> None:
    accept_all_characters(io.StringIO())
