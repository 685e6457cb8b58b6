"""HTML page that compares several searches."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tune_mnist.files import write_text
from tune_mnist.reporting.glossary import terms_in
from tune_mnist.reporting.plots.searches import accuracy_by_search, accuracy_of_tests
from tune_mnist.reporting.portfolio_trials import portfolio_sentence
from tune_mnist.reporting.rendering import page_table, render
from tune_mnist.reporting.stored_search import StoredSearch, names_of
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.trial_table import trial_table
from tune_mnist.reporting.unsearched import with_unsearched
from tune_mnist.reporting.verdict_of_searches import by_test_set, verdict_lines
from tune_mnist.tuning.trials.reports import METRIC


def write_comparison_page(
    searches: Sequence[StoredSearch], tables: Sequence[Comparison], path: Path
) -> None:
    """Write a self-contained HTML page that compares several searches.

    The page contains the verdict on the test set, plots, tables, all trials and the commands of
    the searches.

    Args:
        searches: Searches to compare.
        tables: Comparison tables in reading order.
        path: Path of the HTML file.
    """
    named = dict(zip(names_of(searches), searches, strict=True))
    spaces = [each.space for each in searches]
    trials = pd.concat(
        [
            with_unsearched(each.trials, each.space, spaces).assign(search=name)
            for name, each in named.items()
        ]
    )
    plots = [accuracy_of_tests(same, number) for number, same in enumerate(by_test_set(searches))]
    if trials[METRIC].notna().any():
        plots.append(accuracy_by_search(named))
    folders = shlex.join(str(each.directory) for each in searches)
    output = shlex.quote(str(path.parent))
    verdict, shown = verdict_lines(searches), [page_table(table) for table in tables]
    listed = trial_table(trials, ("search", "state", "model"))
    exempt = {name: portfolio_sentence(each) for name, each in named.items()}
    notes = [f"{name}: {sentence}" for name, sentence in exempt.items() if sentence]
    write_text(
        path,
        render(
            "comparison.html.j2",
            plots,
            title=f"Searches {', '.join(named)}",
            verdict=verdict,
            header_terms=terms_in(*verdict, *(plot.sentence for plot in plots)),
            tables=shown,
            table_terms=terms_in(*(table.text for table in shown)),
            plots=plots,
            trials=listed,
            trial_notes=notes,
            trial_terms=terms_in(listed.text, *notes),
            commands={name: each.experiment.commands for name, each in named.items()},
            report=f"python -m tune_mnist.report {folders} --output {output}",
        ),
    )
