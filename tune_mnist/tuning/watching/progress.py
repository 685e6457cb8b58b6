"""Progress of a search on the console: a live table in a terminal, plain lines elsewhere."""

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ray.tune.experiment import Trial
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tune_mnist.console import print_line
from tune_mnist.durations import Stopwatch, approximately, clock
from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_record import (
    ERROR_FILE,
    NOT_LEARNED_YET,
    TrialRecord,
    TrialState,
    best_record,
    has_learned,
)
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.spaces.stages import STAGE
from tune_mnist.tuning.trials.labels import describe_config
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, WARNING
from tune_mnist.tuning.watching.parameter_columns import GAP, parameter_columns
from tune_mnist.tuning.watching.totals import TrialTotals

REDRAW_SECONDS = 0.5
_HEADINGS = ("trial", "state", "epoch", "val_\naccuracy")
_LINES_BESIDE = 10
"""Maximum number of lines above and below the trials, with an empty line at the end."""

STYLES = {
    TrialState.RUNNING: "cyan",
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "dim",
    TrialState.DIVERGED: "red",
    TrialState.FAILED: "bold red",
}


@dataclass(frozen=True)
class Outline:
    """Size of a search, for estimating the remaining time.

    Attributes:
        name: Name of the search.
        num_samples: Number of trials.
        max_epochs: Maximum epochs per trial.
        expected_epochs: Expected total cost of the epochs of all trials, which is their number if
            ``costs`` is None.
        time_budget: Time budget in seconds, or None if there is none.
        dashboard: URL of the Ray dashboard, or None if it is not running.
        costs: Cost of each epoch of a trial, in order. If None, each epoch costs 1.
        chance_level: Validation accuracy that a network must exceed to count as having learned.
    """

    name: str
    num_samples: int
    max_epochs: int
    expected_epochs: float
    time_budget: float | None
    dashboard: str | None
    costs: Sequence[float] | None = None
    chance_level: float = 0.0

    def cost(self, epochs: int) -> float:
        """Return the cost of the first ``epochs`` epochs of a trial."""
        return epochs if self.costs is None else sum(self.costs[:epochs])


def create_progress(
    console: Console, plan: Outline, trial_store: TrialStore, watch: Stopwatch
) -> "Progress":
    """Create the progress display: a live table if the console is interactive, or plain lines.

    Args:
        console: Console to print to.
        plan: Size of the search.
        trial_store: Store of the trial records.
        watch: Stopwatch started with the command.
    """
    return (LiveTable if console.is_interactive else PlainLines)(console, plan, trial_store, watch)


class Progress(StatelessCallback):
    """Base class of the progress displays, which estimates the remaining time.

    Args:
        console: Console to print to.
        plan: Size of the search.
        trial_store: Store of the trial records.
        watch: Stopwatch started with the command.
    """

    def __init__(
        self, console: Console, plan: Outline, trial_store: TrialStore, watch: Stopwatch
    ) -> None:
        self._console = console
        self._plan = plan
        self._trial_store = trial_store
        self._watch = watch
        self._start = time.monotonic()
        self._totals = TrialTotals(trial_store, plan.cost, plan.chance_level)
        self._trained_before = self._totals.trained
        self._printed: dict[int, int] = {}

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Print the warning that a trial's report contains, such as on an unusable checkpoint."""
        if WARNING in result:
            self.tell(f"#{trial.config[NUMBER]} {result[WARNING]}")

    def close(self) -> None:
        """Stop the display. Nothing else may be printed before this call."""

    def tell(self, line: str) -> None:
        """Print a message above the display, with the time since the start of the command."""
        print_line(self._console, self._watch.stamped(line))

    def _elapsed(self) -> float:
        """Return the seconds since the start of the trials."""
        return time.monotonic() - self._start

    def _left(self) -> float | None:
        """Return the estimated remaining time in seconds, or None before the first epoch."""
        trained = self._totals.trained
        gained = trained - self._trained_before
        if not gained:
            return None
        # The expected total may be too low: each unfinished trial takes at least one more epoch.
        unfinished = self._plan.num_samples - self._totals.ended
        remaining = max(self._plan.expected_epochs - trained, unfinished * self._plan.cost(1))
        left = self._elapsed() * remaining / gained
        if self._plan.time_budget is not None:
            left = min(left, self._plan.time_budget - self._elapsed())
        return max(left, 0.0)

    def _status(self) -> str:
        """Return the number of ended trials, the best trial, and the remaining time as text."""
        self._totals.update()
        ended = self._totals.ended
        parts = [f"{ended}/{self._plan.num_samples} trials ended"]
        best = self._totals.best
        if best is not None:
            shown = f"best {best.val_accuracy:.4f} (#{best.number})"
            parts.append(shown if self._totals.learned else NOT_LEARNED_YET)
        if ended < self._plan.num_samples:
            left = self._left()
            parts.append(
                "time left not known yet"
                if left is None
                else f"{approximately(left)} left for the trials"
            )
        return " · ".join(parts)


class PlainLines(Progress):
    """Progress as plain text for logs: one line per epoch and one per ended trial."""

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Print the result of an epoch."""
        super().on_trial_result(trial, result)
        record = self._find(trial)
        if METRIC not in result or record.epochs == self._printed.get(record.number):
            return
        self._printed[record.number] = record.epochs
        stage = f" in stage {result[STAGE]}" if STAGE in result else ""
        config = describe_config(record.config_of(record.epochs))
        self.tell(
            f"#{record.number} epoch {record.epochs}/{self._plan.max_epochs}"
            f" val_accuracy {result[METRIC]:.4f}{stage} ({config})"
        )

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:
        """Print the final state of a trial, and the reason if the trial reported its failure."""
        record = self._find(trial)
        if record.state is TrialState.FAILED:
            self._tell_failure(record)
            return
        early = " (stopped early)" if record.state is TrialState.PRUNED else ""
        self.tell(f"#{record.number} {record.state}{early} · {self._status()}")

    def on_trial_error(self, trial: Trial, **info: Any) -> None:
        """Print why a trial failed, the file with its whole error, and the effect of --resume."""
        record = self._find(trial)
        whole = f", whole error in {trial.path}/{ERROR_FILE}" if trial.error_file else ""
        self._tell_failure(record, whole)

    def _tell_failure(self, record: TrialRecord, whole: str = "") -> None:
        self.tell(
            f"#{record.number} {record.state}: {record.reason} (not repeated by --resume{whole})"
            f" · {self._status()}"
        )

    def _find(self, trial: Trial) -> TrialRecord:
        return self._trial_store.record(trial.config[NUMBER])


class LiveTable(Progress):
    """Progress as a live table: running trials first, then ended trials, best first."""

    def setup(self, **info: Any) -> None:
        """Start the display."""
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self._drawn = 0.0

    def on_step_end(self, **info: Any) -> None:
        """Redraw the table, at most twice per second."""
        if time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._drawn = time.monotonic()
            self._live.update(self._draw(), refresh=True)

    def close(self) -> None:
        """Stop the display."""
        if getattr(self, "_live", None):
            self._live.stop()

    def _draw(self) -> Group:
        all_records = self._trial_store.records
        room = max(self._console.height - _LINES_BESIDE, 3)
        # A search can have thousands of trials, and this table is drawn twice per second.
        records = heapq.nsmallest(room, all_records, key=_importance)
        configs = [record.config_of(record.epochs + 1) for record in records]
        rows = [self._row(record) for record in records]
        fixed = sum(_width(column) + GAP for column in zip(_HEADINGS, *rows, strict=True))
        columns = parameter_columns(configs, self._console.width - fixed + GAP)
        lines = [self._status()]
        if columns.constant:
            lines.append(f"the same in these trials: {describe_config(columns.constant)}")
        if columns.hidden:
            lines.append(f"shown in a wider terminal: {', '.join(columns.hidden)}")
        if self._plan.dashboard:
            lines.append(f"dashboard {self._plan.dashboard} · Ctrl-C stops and keeps all results")
        if len(all_records) > len(records):
            lines.insert(0, f"… and {len(all_records) - len(records)} more trials")
        table = _table([*_HEADINGS, *columns.shown.values()])
        learned = has_learned(all_records, self._plan.chance_level)
        best = best_record(all_records) if learned else None
        for record, row, config in zip(records, rows, configs, strict=True):
            number, state, epochs, accuracy = row
            table.add_row(
                number,
                Text(state, style=STYLES.get(record.state, "")),
                epochs,
                Text(accuracy, style="bold green" if record is best else ""),
                *map(Text, columns.cells(config)),
            )
        # Rich wraps the title of a table to the width of the table.
        title = f"search {self._plan.name} · {clock(self._watch.seconds)} elapsed"
        return Group(_one_line(title), table, *map(_one_line, lines))

    def _row(self, record: TrialRecord) -> tuple[str, str, str, str]:
        accuracy = f"{record.val_accuracy:.4f}" if record.best_epoch else ""
        epochs = f"{record.epochs}/{self._plan.max_epochs}"
        return f"#{record.number}", str(record.state), epochs, accuracy


def _table(headings: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for number, heading in enumerate(headings):
        right = number < len(_HEADINGS) and heading != "state"
        table.add_column(Text(heading), justify="right" if right else "left", no_wrap=True)
    return table


def _width(column: Sequence[str]) -> int:
    """Return the width of a column of the table, whose heading may have several lines."""
    return max(len(line) for cell in column for line in cell.split("\n"))


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _importance(record: TrialRecord) -> tuple[bool, int, float]:
    accuracy = record.val_accuracy if record.best_epoch else -1.0
    return record.state.ended, -record.stage, -accuracy
