import io
import os
import pty
from collections.abc import Callable

import click
import pytest
from rich.console import Console

from tune_mnist import UserError, run_search, run_training
from tune_mnist.command import run
from tune_mnist.notices import notice


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def in_command(body: Callable[[], object]) -> object:
    """Run a body as a command and return the exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["command"])
        with pytest.raises(SystemExit) as caught:
            run(click.Command("command", callback=body))
    return caught.value.code


def test_a_terminal_shows_what_a_command_is_doing(capsys, monkeypatch):
    screen, end = pty.openpty()
    with os.fdopen(end, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        in_command(lambda: notice("loading \x1b[2J.npz"))
        shown = os.read(screen, 100)
        assert shown.startswith(b"loading \\x1b[2J.npz")
        assert shown.endswith(b"\r\n")
    os.close(screen)
    assert capsys.readouterr().out == ""


def test_logs_and_pipes_get_no_notices(capsys):
    in_command(lambda: notice("starting Ray"))
    assert capsys.readouterr() == ("", "")


def test_a_process_without_standard_error_gets_no_notices(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert in_command(lambda: notice("starting Ray")) == 0


def test_a_closed_standard_error_is_no_error_of_a_notice(monkeypatch):
    closed = Terminal()

    def body() -> None:
        closed.close()
        notice("starting Ray")

    monkeypatch.setattr("sys.stderr", closed)
    assert in_command(body) == 0


def test_callers_of_the_python_api_get_no_notices(digits, tmp_path, monkeypatch):
    terminal = Terminal()
    quiet = {"console": Console(quiet=True), "output_dir": tmp_path}
    in_command(lambda: None)  # an earlier command in this process makes no difference
    monkeypatch.setattr("sys.stderr", terminal)
    run_training(dataset=digits, lr=0.01, epochs=1, fraction=0.1, **quiet)
    with pytest.raises(UserError, match="nowhere"):
        run_search(dataset="digits", warm_start=tmp_path / "nowhere", **quiet)
    assert terminal.getvalue() == ""
