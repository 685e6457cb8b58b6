"""Ctrl-C before and after the trials of the command ``search``."""

import pytest

from tune_mnist.__main__ import cli
from tune_mnist.api import search as searches
from tune_mnist.command import run
from tune_mnist.errors import NOTHING_RESUMED, NOTHING_TO_RESUME
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason


def interrupt(*_, **__):
    raise KeyboardInterrupt


def words_after_ctrl_c(capsys, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["tune-mnist", "search", *arguments])
    with pytest.raises(SystemExit) as caught:
        run(cli)
    assert caught.value.code == 130
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("resume", "words"), [((), NOTHING_TO_RESUME), (("--resume", "x"), NOTHING_RESUMED)]
)
def test_ctrl_c_before_a_search_says_that_nothing_has_begun(capsys, monkeypatch, resume, words):
    monkeypatch.setattr(searches, "load_networks", interrupt)
    assert words_after_ctrl_c(capsys, monkeypatch, *resume) == f"interrupted; {words}"


def test_ctrl_c_after_a_complete_report_does_not_say_that_no_trial_was_started(
    capsys, monkeypatch, tmp_path
):
    class Running:
        """Lock of the process, released after the report: the user presses Ctrl-C then."""

        def acquire(self, blocking):
            return True

        def release(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(searches, "_running", Running())
    monkeypatch.setattr(searches, "run_experiment", lambda *_: Outcome(StopReason.FINISHED))
    monkeypatch.setattr("tune_mnist.reporting.search_end.report_search_end", lambda *_: None)
    options = ("--dataset", "digits", "--output-dir", str(tmp_path))
    assert words_after_ctrl_c(capsys, monkeypatch, *options) == "interrupted"


def test_the_command_does_not_read_its_results_again(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(searches, "run_experiment", lambda *_: Outcome(StopReason.FINISHED))
    monkeypatch.setattr("tune_mnist.reporting.search_end.report_search_end", lambda *_: None)
    monkeypatch.setattr("tune_mnist.api.results.load_results", interrupt)
    arguments = ["search", "--dataset", "digits", "--output-dir", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["tune-mnist", *arguments])
    with pytest.raises(SystemExit) as caught:
        run(cli)
    assert caught.value.code == 0
