"""Report and console output at the end of a search."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tune_mnist.console import print_line
from tune_mnist.durations import Stopwatch
from tune_mnist.models.user_modules import repeated_flags
from tune_mnist.notices import notice
from tune_mnist.reporting.text_format import count
from tune_mnist.tuning.final.runs import FinalRun
from tune_mnist.tuning.recording.study import JOURNAL
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.results_folder.resuming import resume_command
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason

_MAX_COPY_SECONDS = 60
"""Largest difference between the times of files that were copied together."""

SHOWN = ("best", "costs", "pareto", "top", "final", "ensemble")
"""Names of the tables to print at the end of a search; others are only written to files."""

WRITTEN = ("report.html", "summary.md", "tables/", "plots/", "trials.csv", "best/")
"""Files and folders of the results that the last line names, if they exist."""

_HOW_TO_CONTINUE = {
    StopReason.INTERRUPTED: "",
    StopReason.OUT_OF_TIME: "",
    StopReason.TARGET_REACHED: " --target-accuracy HIGHER",
    StopReason.NO_IMPROVEMENT: " --patience MORE",
}


def report_search_end(
    console: Console, directory: Path, outcome: Outcome, watch: Stopwatch
) -> None:
    """Write the report of a finished search to its results folder, and print the main tables.

    A report that is not outdated is kept if the search was already finished.

    Args:
        console: Console to print to.
        directory: Results folder of the search.
        outcome: Outcome of the search.
        watch: Stopwatch started with the command.
    """
    notice("reading the results" if outcome.is_unchanged else "writing the report")
    # Imported late: plots and statistics take a second or two, and no trial should wait for them.
    from tune_mnist.reporting.search_report import SUMMARY_FILE, show, write_report
    from tune_mnist.reporting.stored_search import read_search
    from tune_mnist.reporting.summary import nothing_learned, search_tables

    results = read_search(directory)
    tables = search_tables(results)
    show(results, [table for table in tables if table.name in SHOWN], console)
    warning = nothing_learned(results)
    for line in (*([warning] if warning else []), *outcome.failed_final_runs):
        print_line(console, line)
    # The results folders in the repository have a summary, but no page.
    is_unchanged = outcome.is_unchanged and not _is_outdated(directory / SUMMARY_FILE)
    # After the tables: writing is most likely to fail, and `report` can repeat it.
    if outcome.stop_reason is not StopReason.DISK_FULL and not is_unchanged:
        write_report(results, tables, directory)
    written = ", ".join(name for name in WRITTEN if (directory / name).exists())
    unchanged = "nothing is left to do, no file was changed: " if is_unchanged else ""
    counts = f"{_trials(results.records, outcome)}{_final_runs(results.final, outcome)}"
    end = f"{unchanged}{counts}; results in {directory}{f': {written}' if written else ''}"
    print_line(console, watch.stamped(end))
    if is_unchanged:
        report = shlex.join(["python", "-m", "tune_mnist.report", str(directory)])
        _print_command(console, f"to write the report: {report}{repeated_flags()}")
    more = "" if outcome.failed_final_runs else _HOW_TO_CONTINUE.get(outcome.stop_reason)
    if more is not None and results.options.resumable:
        _print_command(console, f"to resume: {resume_command(directory)}{more}")


def _print_command(console: Console, line: str) -> None:
    """Print a line without wrapping it, so that its command can be copied from a terminal."""
    console.print(line, markup=False, soft_wrap=True)


def _is_outdated(summary: Path) -> bool:
    """Return whether a search seems to have been killed before it wrote its report.

    Copying a results folder, such as by Git, writes its files in any order.

    Args:
        summary: File of the report's summary in the results folder.
    """
    if not summary.exists():
        return True
    written = summary.stat().st_mtime
    return summary.with_name(JOURNAL).stat().st_mtime > written + _MAX_COPY_SECONDS


def _trials(records: Sequence[TrialRecord], outcome: Outcome) -> str:
    """Return why the search ended, and how many of its trials have ended."""
    started = len(records)
    ended = sum(record.state is not TrialState.INTERRUPTED for record in records)
    if ended == started:
        trials = f"all {count(started, 'trial')} ended" if started > 1 else "1 trial ended"
    else:
        trials = f"{ended} of {started} started trials ended"
    reason = outcome.stop_reason
    return trials if reason is StopReason.FINISHED else f"{reason.value}: {trials}"


def _final_runs(made: Sequence[FinalRun], outcome: Outcome) -> str:
    """Return how many final runs have failed or are missing, or ``""`` if none."""
    if failed := len(outcome.failed_final_runs):
        return f", {failed} of {count(failed + len(made), 'final run')} failed"
    done, planned = outcome.final_runs or (0, 0)
    if not planned:
        return ""
    missing = f", {planned - done} missing" if done < planned else ""
    return f", {done} of {count(planned, 'final run')} done{missing}"
