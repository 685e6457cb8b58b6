"""Write ``results/README.md`` from the stored searches in ``results/``: ``make results``."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tune_mnist.durations import clock
from tune_mnist.files import write_text
from tune_mnist.models import get_architecture
from tune_mnist.reporting.finals import by_configuration
from tune_mnist.reporting.markup import markdown
from tune_mnist.reporting.spread import Spread, spread
from tune_mnist.reporting.stored_search import StoredSearch, read_search
from tune_mnist.reporting.trials import best_trials
from tune_mnist.tuning.final.runs import FinalRun
from tune_mnist.tuning.recording.trial_record import TrialState
from tune_mnist.tuning.results_folder.experiment_file import EXPERIMENT_FILE
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason

RESULTS = Path(__file__).resolve().parents[1] / "results"
PAGE = "README.md"
TRIALS = "trials.csv"
WORKING = ".lock"
"""File that only the folder of a search that ran in ``results/`` contains, not a stored copy."""

_HEAD = """# Results

Written by `make results` from the folders in this directory.

## What each network reaches

The test accuracy is the mean ± standard deviation over the final runs of the best configuration.
Each final run trains from scratch on the training and validation images with a different seed, and
is tested once. The interval is the confidence interval of the mean (Student's t over the seeds).
The validation accuracy is the best of all epochs and trials, and therefore partly due to chance:
the test accuracy, from other images and more training, can be lower or higher. If there are
several searches for a network, the table shows the search with the highest validation accuracy
among those with final runs. The searches had different budgets, so they do not compare the
networks under equal conditions.
"""
_SEARCHES = """## All searches

- Share of data: share of the training images on which the trials were trained.
- Trials x epochs: number of trials of this network, and maximum epochs per trial.
- Time: time from the start of the first trial to the end of the last trial, including the pauses
  of a resumed search, plus the sum of the times of the final runs, which may have run in parallel.
"""
_EARLIER = """## Searches of earlier versions

These folders contain only tables. The list gives the best validation accuracy of each network.
"""
_END = """## The folders

`summary.md` contains all tables and the commands, and `trials.csv` has a row for each trial. The
other files are the [results folder](../docs/reference/results-folder.md) without the weights:
`load_results` and `--warm-start` can read the folder, and
`python -m tune_mnist.report results/NAME --output FOLDER` writes `report.html`.

By default, searches also write to this directory, and git ignores them. To keep a search in git,
run it with another `--output-dir`, then store it here:

```
make results ADD=/path/to/NAME
git add --force results/NAME results/README.md
```
"""
_WHOLE = (StopReason.FINISHED.value, StopReason.EXHAUSTED.value)


@dataclass(frozen=True)
class Row:
    """Result of a network in a stored search.

    Attributes:
        results: Stored search.
        folder: Path of the search's folder, relative to ``results/``.
        best: Best trial of the network, as values keyed by the columns of ``best_trials``.
        runs: Final runs of the best trial.
    """

    results: StoredSearch
    folder: str
    best: dict[str, Any]
    runs: list[FinalRun]

    @property
    def data(self) -> str:
        """Name of the data set."""
        form = self.results.experiment.data
        return form.name if form else self.results.options.dataset

    @property
    def tested(self) -> Spread | None:
        """Test accuracy over the final runs, or None if there are no runs."""
        return spread([run.test_accuracy for run in self.runs]) if self.runs else None

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort key for a table, best row first: by test accuracy, untested rows last."""
        tested = self.tested
        return tested is None, -(tested.mean if tested else self.best["val_accuracy"])

    @property
    def selection(self) -> tuple[bool, float]:
        """Sort key to choose among searches of a network without looking at test accuracies."""
        return not self.runs, -self.best["val_accuracy"]


def results_page(directory: Path = RESULTS) -> str:
    """Return the page about all stored searches, in Markdown.

    Args:
        directory: Directory with the results folders.
    """
    rows: list[Row] = []
    earlier: list[str] = []
    for folder in stored_folders(directory):
        name = folder.relative_to(directory).as_posix()
        if (folder / EXPERIMENT_FILE).exists():
            rows += _rows(read_search(folder), name)
        else:
            earlier.append(_earlier(folder, name))
    names = sorted({row.data for row in rows}, key=lambda name: (name != "mnist", name))
    by_data = [[row for row in rows if row.data == name] for name in names]
    parts = [_HEAD, *map(_networks, by_data), _SEARCHES, *map(_searches, by_data)]
    if earlier:
        parts += [_EARLIER, "".join(earlier)]
    return "\n".join([*parts, _END])


def stored_folders(directory: Path) -> list[Path]:
    """Return the folders of stored searches, without searches that ran in the directory."""
    folders = [path.parent for path in sorted(directory.rglob(TRIALS))]
    return [folder for folder in folders if not (folder / WORKING).exists()]


def _rows(results: StoredSearch, folder: str) -> list[Row]:
    runs = by_configuration(results.final)
    rows = [
        {str(key): cell for key, cell in row.items()} for _, row in best_trials(results).iterrows()
    ]
    return [Row(results, folder, row, runs.get((row["model"], row["trial"]), [])) for row in rows]


def _networks(rows: Sequence[Row]) -> str:
    """Return a table of the networks of one data set, best first."""
    chosen: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row.selection):
        chosen.setdefault(row.best["model"], row)
    cells = [
        {
            "Network": row.best["model"],
            "Test accuracy": _test(row),
            "95% interval": (row.tested and row.tested.interval) or "-",
            "Validation accuracy (selected)": f"{row.best['val_accuracy']:.4f}",
            "Parameters": f"{row.best['parameters']:,.0f}",
            "Image size": _size(row),
            "Search": _link(row),
        }
        for row in sorted(chosen.values(), key=lambda row: row.rank)
    ]
    return _table(rows[0].data, cells)


def _searches(rows: Sequence[Row]) -> str:
    """Return a table of the searches of one data set, with a row for each network."""
    cells = [
        {
            "Search": _link(row),
            "Question": markdown(row.results.space.description or row.results.space.name),
            "Network": row.best["model"],
            "Share of data": f"{row.results.options.fraction:.0%}",
            "Image size": _size(row),
            "Trials x epochs": f"{row.best['trials']} x {row.results.options.max_epochs}",
            "Validation accuracy (selected)": f"{row.best['val_accuracy']:.4f}",
            "Final runs": _final(row),
            "Test accuracy": _test(row),
            "Hardware": markdown(row.results.experiment.facts.get("hardware", "-")),
            "Time": _time(row),
            "End": _end(row),
        }
        for row in sorted(rows, key=lambda row: row.rank)
    ]
    return _table(rows[0].data, cells)


def _table(title: str, rows: Sequence[dict[str, str]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(
        [f"### {markdown(title)}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]
    )


def _link(row: Row) -> str:
    return f"[{row.folder}]({row.folder}/summary.md)"


def _size(row: Row) -> str:
    size = get_architecture(row.best["model"]).input_size(row.results.options.image_size)
    return f"{size}x{size}"


def _test(row: Row) -> str:
    asked, made = row.results.options.final_seeds, len(row.runs)
    if not made:
        return f"not tested: 0 of {asked} final runs made" if asked else "not tested"
    seeds = f"{made} of {asked} seeds" if made < asked else f"{made} seeds"
    return f"{row.tested} ({seeds})"


def _time(row: Row) -> str:
    """Return the time of the search and the time of the network's final runs, as text."""
    seconds = {record.number: record.train_seconds for record in row.results.records}
    starts, ends = [], []
    for trial in row.results.study.trials:
        if trial.datetime_start and trial.number in seconds:
            starts.append(trial.datetime_start)
            # An interrupted trial has no end.
            trained = timedelta(seconds=seconds[trial.number])
            ends.append(trial.datetime_complete or trial.datetime_start + trained)
    search = clock((max(ends) - min(starts)).total_seconds()) if starts else "-"
    final = sum(run.train_seconds for run in row.runs)
    return f"{search} + {clock(final)}" if final else search


def _final(row: Row) -> str:
    """Return the numbers of training images and epochs of the final runs, as text."""
    if not row.runs:
        return "-"
    run = row.runs[0]
    return f"{run.train_images:,} images, {run.config.get('max_epochs', '-')} epochs"


def _end(row: Row) -> str:
    """Return how the search ended, and whether it was resumed."""
    results = row.results
    ended = sum(record.state is not TrialState.INTERRUPTED for record in results.records)
    asked = results.options.num_samples
    reason = results.study.user_attrs.get(ENDED)
    if ended < len(results.records) or (reason not in _WHOLE and ended < asked):
        # A search that was killed has stored no reason, or the reason of an earlier run.
        known = StopReason.INTERRUPTED.value if reason is None or reason in _WHOLE else reason
        end = f"{markdown(known)}: {ended} of {asked} trials ended"
    elif len(row.runs) < results.options.final_seeds:
        end = "all trials ended, final runs unfinished"
    else:
        end = "complete"
    return f"{end}, resumed" if len(results.experiment.commands) > 1 else end


def _earlier(folder: Path, name: str) -> str:
    """Return one line about a folder without ``experiment.json``."""
    summary = folder / "summary.md"
    facts = dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", summary.read_text("utf-8"), re.MULTILINE))
    trials = pd.read_csv(folder / TRIALS)
    best = trials.groupby("model")["val_accuracy"].max().sort_values(ascending=False)
    reached = ", ".join(f"{model} {accuracy:.4f}" for model, accuracy in best.items())
    question = facts["space"].partition(": ")[2].rpartition(" (")[0]
    return f"- [{name}]({name}/summary.md): {question}; {facts['data']}: {reached}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(results_page(), end="")
    else:
        write_text(RESULTS / PAGE, results_page())
