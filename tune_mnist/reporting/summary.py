"""Tables of a search, and its summary in Markdown."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tune_mnist.files import write_text
from tune_mnist.reporting.effects import effect_tables
from tune_mnist.reporting.ensembles import ensemble_verdict
from tune_mnist.reporting.finals import by_configuration, final_tables, labelled
from tune_mnist.reporting.markup import markdown, markdown_code
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.trials import trial_tables
from tune_mnist.reporting.verdict import verdict
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.recording.trial_record import (
    ERROR_FILE,
    NOT_LEARNED_YET,
    RAY_FOLDER,
    TrialState,
)
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason

TABLES_FOLDER = "tables"
_NO_RESULT = "No trial has finished an epoch: there is nothing to compare."


def search_tables(results: StoredSearch) -> list[Comparison]:
    """Return all tables of a search in reading order. Empty if no trial has finished an epoch."""
    return [
        *trial_tables(results),
        *final_tables(
            results.final,
            results.options.final_seeds,
            results.class_names,
            results.ensemble,
            resumable=results.options.resumable,
        ),
        *effect_tables(results),
    ]


def search_facts(results: StoredSearch) -> dict[str, str]:
    """Describe a search: data, hardware, states of the trials, tested trials, keyed by heading."""
    states = Counter(str(record.state) for record in results.records)
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    facts = {
        **results.experiment.facts,
        "states": f"{len(results.records)} trials ({counts or 'none'})",
    }
    ended = results.study.user_attrs.get(ENDED)
    if ended in {stop_reason.value for stop_reason in StopReason}:
        facts["ended"] = ended
    if warning := nothing_learned(results):
        facts["warning"] = warning
    if results.final:
        facts["tested"] = "; ".join(
            f"{model} (trial {trial}): seeds {', '.join(str(run.seed) for run in runs)}"
            for (model, trial), runs in by_configuration(results.final).items()
        )
    return facts


def nothing_learned(results: StoredSearch) -> str:
    """Return a warning if no trial is better than guessing, otherwise ``""``."""
    reached = [record.val_accuracy for record in results.records if record.best_epoch]
    if not reached or results.learned:
        return ""
    return (
        f"{NOT_LEARNED_YET}: the highest val_accuracy is {max(reached):.4f}, but guessing reaches"
        f" up to {results.chance_level:.4f}; train for more epochs, on more data, or with other"
        " learning rates"
    )


def verdicts(results: StoredSearch) -> list[str]:
    """Return the verdicts on the test set: on the finalists, and on the ensemble if there is one.

    The list is empty before the final evaluation.
    """
    groups = labelled(results.final)
    return [text for text in (verdict(groups), ensemble_verdict(results.ensemble, groups)) if text]


def failures(results: StoredSearch) -> list[str]:
    """Return a line for each trial that failed or diverged: number, state and reason."""
    return [
        f"#{record.number} {record.state}: {record.reason}"
        for record in results.records
        if record.reason
    ]


def failure_remedy(results: StoredSearch) -> str:
    """State what to do about the trials that failed, or return ``""`` if none failed."""
    if all(record.state is not TrialState.FAILED for record in results.records):
        return ""
    directory, errors = results.directory, f"{RAY_FOLDER}/<trial>/{ERROR_FILE}"
    given = shlex.quote(str(directory))
    stored = any(directory.glob(f"{RAY_FOLDER}/*/{ERROR_FILE}"))
    whole = f" (whole errors: {directory}/{errors})" if stored else ""
    return (
        f"{TrialState.FAILED} trials are not repeated by --resume: remove the cause{whole}, and"
        f" start another search, with --warm-start {given} to reuse the other trials"
    )


def search_page(results: StoredSearch, tables: Sequence[Comparison]) -> str:
    """Format the summary of a search as Markdown: facts, verdict, tables and failed trials."""
    facts = search_facts(results)
    lines = [f"- **{markdown(key)}**: {markdown(value)}" for key, value in facts.items()]
    commands = "; then ".join(map(markdown_code, results.experiment.commands))
    lines.append(f"- **commands**: {commands}")
    if found := verdicts(results):
        lines.append(f"- **verdict**: {markdown(' '.join(found))}")
    if not tables:
        lines += ["", _NO_RESULT]
    failed = [f"- {markdown(line)}" for line in failures(results)]
    below = ["## Trials that failed or diverged", "", *failed, ""] if failed else []
    return page(f"Search {results.name}", lines, tables, below)


def page(
    title: str, first: Sequence[str], tables: Sequence[Comparison], last: Sequence[str] = ()
) -> str:
    """Format tables as a Markdown page.

    Args:
        title: Title of the page.
        first: Lines of Markdown above the tables.
        tables: Tables in reading order.
        last: Lines of Markdown below the tables.
    """
    sections = [table.to_markdown() for table in tables]
    return "\n".join([f"# {markdown(title)}", "", *first, "", *sections, *last])


def setting(results: StoredSearch) -> str:
    """Describe the data, image size, epochs, seed and hardware of a search in one line."""
    options, facts = results.options, results.experiment.facts
    parts = [
        f"Search {results.name}",
        facts.get("data", options.dataset),
        f"image size {facts.get('image size', options.image_size)}",
        f"up to {options.max_epochs} epochs",
        f"seed {options.seed}",
        facts.get("hardware", ""),
    ]
    return "; ".join(part for part in parts if part)


def write_tables(tables: Sequence[Comparison], folder: Path, settings: str) -> None:
    """Write each table as a ``.csv`` and a ``.tex`` file.

    Args:
        tables: Tables to write. The name of a table becomes the name of its files.
        folder: Folder to write to. It is created if it does not exist.
        settings: Search settings to append to each LaTeX caption, so that a table can be read
            without the report.
    """
    for table in tables:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path_in(folder, f"{table.name}.csv"), table.to_csv())
        write_text(path_in(folder, f"{table.name}.tex"), table.to_latex(settings))
