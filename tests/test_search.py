"""Ctrl-C before and after the trials of the command ``search``."""

from contextlib import contextmanager

import pytest

from tune_mnist.__main__ import cli
from tune_mnist.api import search as searches
from tune_mnist.errors import NOTHING_RESUMED, NOTHING_TO_RESUME
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason


def interrupt(*_, **__):
    raise KeyboardInterrupt


def words_after_ctrl_c(run_command, *arguments):
    status, _, err = run_command(cli, "search", *arguments)
    assert status == 130
    return err


@pytest.mark.parametrize(
    ("resume", "words"), [((), NOTHING_TO_RESUME), (("--resume", "x"), NOTHING_RESUMED)]
)
def test_ctrl_c_before_a_search_says_that_nothing_has_begun(
    run_command, monkeypatch, resume, words
):
    monkeypatch.setattr(searches, "load_networks", interrupt)
    assert words in words_after_ctrl_c(run_command, *resume)


def test_ctrl_c_after_a_complete_report_does_not_say_that_no_trial_was_started(
    run_command, monkeypatch, tmp_path
):
    @contextmanager
    def interrupted_at_its_end():
        yield
        raise KeyboardInterrupt

    # Settings of the process are restored after the report: the user presses Ctrl-C then.
    monkeypatch.setattr(searches, "process_restored", interrupted_at_its_end)
    monkeypatch.setattr(searches, "run_experiment", lambda *_: Outcome(StopReason.FINISHED))
    monkeypatch.setattr("tune_mnist.reporting.search_end.report_search_end", lambda *_: None)
    options = ("--dataset", "digits", "--output-dir", str(tmp_path))
    assert NOTHING_TO_RESUME not in words_after_ctrl_c(run_command, *options)


def test_the_command_does_not_read_its_results_again(run_command, monkeypatch, tmp_path):
    monkeypatch.setattr(searches, "run_experiment", lambda *_: Outcome(StopReason.FINISHED))
    monkeypatch.setattr("tune_mnist.reporting.search_end.report_search_end", lambda *_: None)
    monkeypatch.setattr("tune_mnist.api.results.load_results", interrupt)
    status, _, _ = run_command(cli, "search", "--dataset", "digits", "--output-dir", tmp_path)
    assert status == 0
