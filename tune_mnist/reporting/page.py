"""Report page of a search: one HTML file with all results, readable offline."""

import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tune_mnist.files import write_text
from tune_mnist.models import model_names
from tune_mnist.reporting.glossary import terms_in
from tune_mnist.reporting.plotly_js import plotly_js
from tune_mnist.reporting.plots import Plot, draw, is_key
from tune_mnist.reporting.portfolio_trials import portfolio_sentence
from tune_mnist.reporting.rendering import environment, render, script, script_source, to_json
from tune_mnist.reporting.sections import first_plot, page_sections
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.summary import nothing_learned, search_facts, verdicts
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.trial_table import trial_table
from tune_mnist.safe_paths import files_in, path_in
from tune_mnist.tuning.recording.trial_record import TrialState, best_record
from tune_mnist.tuning.results_folder.resuming import resume_command
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason
from tune_mnist.tuning.trials.reports import METRIC

PLOTS_FOLDER = "plots"
PLOTLY_FILE = "plotly.min.js"

_BESIDE = ("'self'", "file:")
"""Content-Security-Policy sources of a script file in the same folder.

Some browsers do not match local files with ``'self'`` alone.
"""


def write_page(results: StoredSearch, tables: list[Comparison], path: Path) -> None:
    """Write the report page of a search, and each plot as a small page into ``plots/``.

    Args:
        results: Search to report. It may be unfinished.
        tables: Comparison tables in reading order.
        path: Path of the HTML file. The ``plots`` folder is created beside it.
    """
    drawn = draw(results)
    trials, found = results.trials, verdicts(results)
    first = first_plot(drawn, trials.loc[trials[METRIC].notna(), "model"].nunique())
    facts = search_facts(results)
    headline, shown = _headline(results), trial_table(trials, ("state", "model"))
    exempt = portfolio_sentence(results)
    write_text(
        path,
        render(
            "report.html.j2",
            drawn.plots,
            results=results,
            facts=facts,
            fact_terms=terms_in(*(f"{key} {value}" for key, value in facts.items())),
            verdict=" ".join(found),
            headline=headline,
            header_terms=terms_in(*found, headline, first.sentence if first else ""),
            unended=_unended(results),
            resume=resume_command(results.directory) if results.options.resumable else "",
            report=f"python -m tune_mnist.report {shlex.quote(str(results.directory))}",
            first=first,
            sections=page_sections(tables, drawn, first),
            evaluated=_evaluated(results),
            trials=shown,
            trial_notes=[exempt] if exempt else [],
            trial_terms=terms_in(shown.text, exempt),
            failures=trials[trials["reason"] != ""].to_dict("records"),
        ),
    )
    models = {*model_names(), *results.space.models}
    _write_plots(drawn.plots, path_in(path.parent, PLOTS_FOLDER), models)


def _write_plots(plots: list[Plot], folder: Path, models: Iterable[str]) -> None:
    """Write each plot as a small page; all pages load the same copy of plotly.js."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path_in(folder, PLOTLY_FILE), plotly_js())
    page = environment().get_template("plot.html.j2")
    theme = script("theme.js")
    for plot in plots:
        text = page.render(
            plot=plot,
            figures=to_json([plot]),
            plotly_file=PLOTLY_FILE,
            script=theme,
            script_sources=[*_BESIDE, script_source(theme)],
        )
        write_text(path_in(folder, f"{plot.key}.html"), text)
    _remove_outdated(plots, folder, models)


def _remove_outdated(plots: list[Plot], folder: Path, models: Iterable[str]) -> None:
    """Remove plots of an earlier report that the current report does not contain."""
    current = {plot.key for plot in plots}
    for name in files_in(folder):
        key = name.removesuffix(".html")
        if name != key and is_key(key, models) and key not in current:
            (folder / name).unlink()


def _headline(results: StoredSearch) -> str:
    """Return a sentence on the best trial, and the number of trials in each state."""
    best = best_record(results.records)
    if best is None:
        return "No trial has finished an epoch yet."
    counted = Counter(str(record.state).lower() for record in results.records).most_common()
    states = ", ".join(f"{times} {state}" for state, times in counted)
    if warning := nothing_learned(results):
        return f"{warning[0].upper()}{warning[1:]}. {states}."
    return (
        f"{'Best so far' if _unended(results) else 'Best'} in the search:"
        f" {best.config['model']} with {METRIC} {best.val_accuracy:.4f} (trial #{best.number},"
        f" epoch {best.best_epoch}). This accuracy is the highest of {len(results.records)}"
        f" trials and is therefore partly due to chance. {states}."
    )


def _unended(results: StoredSearch) -> str:
    """Return a sentence on the trials that have not ended, or ``""`` if all have ended."""
    ended = results.study.user_attrs.get(ENDED)
    # The budget or the space limited the number of trials, so none of them is missing.
    complete = ended == StopReason.EXHAUSTED.value or (
        ended == StopReason.OUT_OF_TIME.value and results.options.budget is not None
    )
    begun = len(results.records)
    asked = begun if complete else results.options.num_samples
    unended = sum(record.state is TrialState.INTERRUPTED for record in results.records)
    parts = []
    if unended:
        parts.append(f"{unended} have not ended")
    if asked > begun:
        parts.append(f"{asked - begun} have not begun")
    return f"Of {asked} trials, {' and '.join(parts)}." if parts else ""


def _evaluated(results: StoredSearch) -> str:
    """Return how many trials the plots show, as text."""
    with_epoch = [record for record in results.records if record.best_epoch]
    complete = sum(record.state is TrialState.COMPLETE for record in with_epoch)
    total = len(results.records)
    return f"{len(with_epoch)} of {total} trials, {complete} of them trained to the end"
