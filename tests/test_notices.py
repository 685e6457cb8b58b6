import os
import pty

from tune_mnist.notices import notice


def test_a_terminal_shows_what_a_command_is_doing(capsys, monkeypatch):
    screen, end = pty.openpty()
    with os.fdopen(end, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        notice("loading \x1b[2J.npz")
        assert os.read(screen, 100) == b"loading \\x1b[2J.npz ...\r\n"
    os.close(screen)
    assert capsys.readouterr().out == ""


def test_logs_and_pipes_get_no_notices(capsys):
    notice("starting Ray")
    assert capsys.readouterr() == ("", "")


def test_a_process_without_standard_error_gets_no_notices(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    notice("starting Ray")
