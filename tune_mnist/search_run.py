"""A search from the options of the command to its tables."""

import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from tune_mnist.console import report_console
from tune_mnist.errors import UserError
from tune_mnist.files import absolute
from tune_mnist.results import new_results, results_directory
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.ending import Ending
from tune_mnist.tuning.experiment import Outcome, run_search
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.recording.records import TrialState
from tune_mnist.tuning.results_folder import EXPERIMENT_FILE, read_experiment
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.spaces.space import load_space
from tune_mnist.tuning.trust import only_stored

DEFAULT_SPACE = "lenet"
SHOWN = ("best", "costs", "pareto", "top", "final")
"""Tables that a search shows at its end; the others are in its files."""


def search_and_compare(
    space: str | None,
    name: str | None,
    output_dir: Path,
    resume: str | None,
    trust_stored: bool = False,
    **given: Any,
) -> int:
    """Run a search, or go on with one, and show and write its tables.

    Args:
        space: name or path of a space file; None: lenet, or that of the search to resume.
        name: of the results folder; None: space and time.
        output_dir: where results folders lie.
        resume: folder of the search to go on with, or empty: that of ``name``; None: a new one.
        trust_stored: Whether to take addresses, paths and URIs from the folder to resume, though
            this user did not write it on this machine.
        given: fields of SearchOptions; None: not given.

    Returns:
        The exit status.

    Raises:
        UserError: the input or the resources do not allow it, or the disk is full.
    """
    console = report_console()
    earlier = None
    place: AbstractContextManager[Path]
    if resume is None:
        if trust_stored:
            raise UserError("--trust-stored: only a search to --resume has stored values")
        chosen = load_space(DEFAULT_SPACE if space is None else space)
        options = SearchOptions.for_space(chosen, **given)
        place = new_results(output_dir, name, chosen.name)
    else:
        directory = _folder_to_resume(resume, name, output_dir)
        earlier = read_experiment(directory)
        chosen = earlier.search_space(directory)
        if space is not None and load_space(space).text != earlier.space.text:
            raise UserError(
                f"--space {space}: differs from the space {earlier.space.name} that {directory}"
                " was begun with: leave the option out, or begin another search"
            )
        earlier.stored_options(directory, chosen)  # a mistake in the file is not the user's
        if not trust_stored:
            earlier.require_repeated(directory, given)
        elif stored := only_stored(earlier.options, given):
            console.print(
                f"from {directory / EXPERIMENT_FILE}: {stored}", markup=False, soft_wrap=True
            )
        options = earlier.options_with(chosen, given)
        place = nullcontext(directory)
    with place as directory:
        outcome = run_search(chosen, options, directory, console, _command(), earlier)
        _report(console, directory, outcome)
    if outcome.ending is Ending.DISK_FULL:
        raise UserError(
            f"{outcome.detail}: make room, then go on with --resume {directory}; all that has"
            " ended is kept"
        )
    if outcome.ending is Ending.STORAGE_LOST:
        raise UserError(
            f"{outcome.detail}: once it can be reached, go on with --resume {directory}; all that"
            " has ended is kept"
        )
    return stop_signals.status if outcome.ending is Ending.INTERRUPTED else 0


def _folder_to_resume(resume: str, name: str | None, output_dir: Path) -> Path:
    if resume and name:
        raise UserError(f"--resume {resume} --name {name}: give the folder or the name, not both")
    if not resume and not name:
        raise UserError("--resume: which search? give its folder, or its --name")
    return absolute(Path(resume)) if resume else results_directory(output_dir, str(name))


def _command() -> str:
    """Return what the user has typed, whichever of the two names the command was called by."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["search"]:
        arguments = arguments[1:]
    return shlex.join(["python", "-m", "tune_mnist.search", *arguments])


def _report(console: Console, directory: Path, outcome: Outcome) -> None:
    """Write all tables into the folder, and show those that answer the first questions."""
    # Plots and statistics take a second or two to import, which no trial has to wait for.
    from tune_mnist.report_run import show, write_report
    from tune_mnist.reporting.search_results import read_results
    from tune_mnist.reporting.summary import search_tables

    results = read_results(directory)
    tables = search_tables(results)
    show(results, [table for table in tables if table.name in SHOWN], console)
    for line in outcome.failed_final_runs:
        console.print(line, markup=False, soft_wrap=True)
    # Last, for it is the most likely to fail, and the folder can be reported on again.
    if outcome.ending is not Ending.DISK_FULL:
        write_report(results, tables, directory)
    ended = sum(record.state is not TrialState.INTERRUPTED for record in results.records)
    console.print(
        f"{outcome.ending.value}: {ended} of {len(results.records)} started trials came to"
        f" their end; results in {directory}: report.html, summary.md, tables/, plots/,"
        " trials.csv, best/",
        markup=False,
        soft_wrap=True,
    )
    resumable = scheduler_class(results.options.scheduling.name).resumable
    more = {
        Ending.INTERRUPTED: "",
        Ending.OUT_OF_TIME: "",
        Ending.TARGET_REACHED: " --target-accuracy HIGHER",
        Ending.NO_IMPROVEMENT: " --patience MORE",
    }.get(outcome.ending)
    if more is not None and resumable:
        console.print(
            f"to go on: python -m tune_mnist.search --resume {shlex.quote(str(directory))}{more}",
            markup=False,
            soft_wrap=True,
        )
