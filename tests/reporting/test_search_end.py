"""The last lines of a search, and its exit status."""

import io
import os
import re

import pytest
from click.testing import CliRunner
from markupsafe import escape
from rich.console import Console

from tests.messages import assert_named
from tests.reporting.searches import ONE_MODEL, Search
from tests.reporting.test_ensembles import ensemble
from tune_mnist.api import search as api
from tune_mnist.durations import Stopwatch
from tune_mnist.reporting.markup import markdown
from tune_mnist.reporting.search_end import report_search_end
from tune_mnist.reporting.summary import verdicts
from tune_mnist.search import search
from tune_mnist.training.ensemble_file import write_ensemble
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason

FAILED = ("final run lenet seed 0: out of memory", "final run lenet seed 1: out of memory")


@pytest.fixture
def finished(tmp_path):
    made = Search(tmp_path / "search", ONE_MODEL)
    made.trial(0.5, 0.9, 0.8)
    return made


def printed(directory, outcome):
    stream = io.StringIO()
    report_search_end(Console(file=stream, width=160), directory, outcome, Stopwatch())
    return stream.getvalue()


def test_the_last_lines_count_the_failed_final_runs_and_say_how_to_repeat_them(finished):
    finished.final("lenet", 0, 2, [[9, 1], [0, 10]])
    text = printed(finished.directory, Outcome(StopReason.FINISHED, failed_final_runs=FAILED))
    assert all(line in text for line in FAILED)
    end, resume = text.splitlines()[-2:]
    assert_named("2 3", end)
    assert f"--resume {finished.directory}" in resume


def test_the_last_line_names_only_files_that_exist(finished):
    text = printed(finished.directory, Outcome(StopReason.INTERRUPTED))
    (end,) = [line for line in text.splitlines() if "results in" in line]
    folder, _, names = end.partition("results in ")[2].partition(": ")
    assert folder == str(finished.directory)
    assert "report.html" in names
    for name in names.split(", "):
        assert (finished.directory / name).exists()
    assert "failed" not in text


def test_a_failed_trial_is_printed_with_its_error_and_the_remedy(finished):
    finished.trial(0.5, fails="ValueError: no")
    file = finished.directory / "ray" / "00001-abc" / "error.txt"
    file.parent.mkdir(parents=True)
    file.touch()
    text = printed(finished.directory, Outcome(StopReason.FINISHED))
    assert "ValueError: no" in text
    (remedy,) = [line for line in text.splitlines() if file.name in line]
    assert_named(["FAILED", "--resume", f"--warm-start {finished.directory}"], remedy)


def test_nothing_is_said_about_failures_of_a_search_without_any(finished):
    assert "FAILED" not in printed(finished.directory, Outcome(StopReason.FINISHED))


def test_the_verdicts_of_the_page_are_printed_after_the_tables(finished):
    finished.trial(0.5, 0.6, 0.7)
    finished.final("lenet", 0, 2, [[9, 1], [0, 10]])
    finished.final("lenet", 1, 2, [[5, 5], [0, 10]], best=False)
    (finished.directory / "ensemble").mkdir()
    write_ensemble(finished.directory, ensemble((), (), counts=(1, 0)))
    lines = printed(finished.directory, Outcome(StopReason.FINISHED)).splitlines()
    found = verdicts(finished.read())
    assert len(found) == 2
    assert lines[lines.index(found[0]) + 1] == found[1]
    for text in found:
        assert markdown(text) in (finished.directory / "summary.md").read_text()
        assert str(escape(text)) in (finished.directory / "report.html").read_text()


def test_a_finished_search_without_a_report_gets_one(finished):
    outcome = Outcome(StopReason.FINISHED, is_unchanged=True)
    assert "report.html" in printed(finished.directory, outcome)
    files = [finished.directory / name for name in ("report.html", "summary.md")]
    before = [path.stat().st_mtime_ns for path in files]
    printed(finished.directory, outcome)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_an_outdated_report_of_a_finished_search_is_replaced(finished):
    """The page of an earlier session, after one that was killed before it wrote its own."""
    outcome = Outcome(StopReason.FINISHED, is_unchanged=True)
    printed(finished.directory, outcome)
    finished.trial(0.5, 0.95)
    summary = finished.directory / "summary.md"
    os.utime(summary, (0, 0))
    printed(finished.directory, outcome)
    assert "0.9500" in summary.read_text()


def last_line(directory, outcome):
    (end,) = [line for line in printed(directory, outcome).splitlines() if "results in" in line]
    return end.partition("results in")[0]


def test_the_last_line_counts_the_trials_once(finished):
    finished.trial(0.5, 0.7)
    end = last_line(finished.directory, Outcome(StopReason.FINISHED))
    assert re.findall(r"\d+", re.sub(r"\[.*?\]", "", end)) == ["2"]  # without the clock
    finished.trial(0.5, 0.6, ends=False)
    end = last_line(finished.directory, Outcome(StopReason.INTERRUPTED))
    assert_named(["interrupted", "2 of 3"], end)


def test_the_last_line_counts_the_final_runs_that_are_missing(finished):
    outcome = Outcome(StopReason.INTERRUPTED, final_runs=(2, 3))
    assert_named(["interrupted", "2 of 3", "1"], last_line(finished.directory, outcome))


@pytest.mark.parametrize(("failed", "status"), [(FAILED, 1), ((), 0)])
def test_the_exit_status_says_whether_final_runs_failed(finished, monkeypatch, failed, status):
    outcome = Outcome(StopReason.FINISHED, failed_final_runs=failed)
    monkeypatch.setattr(api, "run_experiment", lambda *_: outcome)
    given = ["--resume", str(finished.directory)]
    # As tune_mnist.command.run, which exits with the value that the command returns.
    result = CliRunner().invoke(search, given, standalone_mode=False)
    assert result.exception is None
    assert result.return_value == status
