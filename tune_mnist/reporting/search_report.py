"""Report on one search, or comparison of several: printed, and written to a folder."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tune_mnist.console import print_facts, print_line, report_console
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.reporting.comparison_page import write_comparison_page
from tune_mnist.reporting.markup import markdown
from tune_mnist.reporting.page import PLOTS_FOLDER, write_page
from tune_mnist.reporting.side_by_side import compare_searches
from tune_mnist.reporting.stored_search import StoredSearch, read_search
from tune_mnist.reporting.summary import (
    TABLES_FOLDER,
    failure_remedy,
    failures,
    page,
    search_facts,
    search_page,
    search_tables,
    setting,
    verdicts,
    write_tables,
)
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.verdict_of_searches import verdict_lines
from tune_mnist.safe_paths import path_in

SUMMARY_FILE = "summary.md"
PAGE_FILE = "report.html"
COMPARISON_FILE = "comparison.md"


def report_searches(directories: Sequence[Path], output: Path | None) -> None:
    """Print and write the report of one search, or the comparison of several.

    Args:
        directories: Results folders.
        output: Folder to write to. If None, the report of a single search is written to its
            results folder, and a comparison is only printed.

    Raises:
        UserError: A folder is not a results folder, or one of its files is damaged.
    """
    searches = [read_search(directory) for directory in directories]
    console = report_console()
    if output is not None and output.exists() and not output.is_dir():
        raise UserError(f"--output {output}: the path is a file, not a folder")
    if len(searches) > 1:
        _compare(searches, output, console)
        return
    (results,) = searches
    folder = results.directory if output is None else output
    folder.mkdir(parents=True, exist_ok=True)
    tables = search_tables(results)
    write_report(results, tables, folder)
    print_facts(console, search_facts(results))
    console.print()
    show(results, tables, console)
    of_tables = f", {TABLES_FOLDER}/" if tables else ""
    written = f"{PAGE_FILE}, {PLOTS_FOLDER}/, {SUMMARY_FILE}{of_tables}"
    _print(console, f"written to {folder}: {written}")


def write_report(results: StoredSearch, tables: list[Comparison], folder: Path) -> None:
    """Write the report on a search to a folder: page, plots, summary and tables."""
    write_text(folder / SUMMARY_FILE, search_page(results, tables))
    write_tables(tables, path_in(folder, TABLES_FOLDER), setting(results))
    write_page(results, tables, folder / PAGE_FILE)


def show(results: StoredSearch, tables: Sequence[Comparison], console: Console) -> None:
    """Print tables of a search, the verdicts, and the trials that failed or diverged."""
    for table in tables:
        console.print(table.to_rich())
    for line in verdicts(results):
        _print(console, line)
    if results.trials["val_accuracy"].isna().all():
        _print(console, "no trial has finished an epoch: there is nothing to compare")
    for line in (*failures(results), failure_remedy(results)):
        if line:
            _print(console, line)


def _compare(searches: Sequence[StoredSearch], output: Path | None, console: Console) -> None:
    tables = compare_searches(searches)
    verdict = verdict_lines(searches)
    for line in verdict:
        print_line(console, line, highlight=False)
    console.print()
    for table in tables:
        console.print(table.to_rich())
    if output is None:
        return
    output.mkdir(parents=True, exist_ok=True)
    lines = [f"{markdown(line)}\n" for line in verdict]
    lines += [f"- {markdown(setting(results))}" for results in searches]
    names = ", ".join(results.name for results in searches)
    write_text(output / COMPARISON_FILE, page(f"Searches {names}", lines, tables))
    write_tables(tables, path_in(output, TABLES_FOLDER), ". ".join(map(setting, searches)))
    write_comparison_page(searches, tables, output / PAGE_FILE)
    _print(console, f"written to {output}: {PAGE_FILE}, {COMPARISON_FILE}, {TABLES_FOLDER}/")


def _print(console: Console, line: str) -> None:
    print_line(console, line, highlight=False)
