"""Announcement and progress of the final runs: bars in a terminal, lines elsewhere."""

from collections.abc import Callable, Sequence
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from tune_mnist.console import print_line
from tune_mnist.durations import Stopwatch, approximately
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.options.search_options import SearchOptions

Say = Callable[[str], None]
"""Function that prints a line."""


def describe_runs(
    planned: Sequence[PlannedRun], missing: int, options: SearchOptions, seconds: float
) -> str:
    """Describe in one line which final runs follow, and how long they are expected to take.

    Args:
        planned: All planned final runs, at least one.
        missing: Number of planned runs that have not finished yet.
        options: Options of the search.
        seconds: Expected wall time of the missing runs.
    """
    seeds, epochs = options.final_seeds, options.final_run_epochs
    made = len(planned) - missing
    done = f" ({made} of {len(planned)} runs are done)" if made else ""
    return (
        f"final evaluation: {_trials(planned)}, {seeds} seed{'s' * (seeds > 1)}{done},"
        f" {planned[0].train_images:,} images, {epochs} epoch{'s' * (epochs > 1)} each,"
        f" {approximately(seconds)}"
    )


def describe_kept(planned: Sequence[PlannedRun]) -> str:
    """State in one line that all planned final runs have been finished by an earlier start."""
    runs = f"{len(planned)} run{'s' * (len(planned) > 1)}"
    return f"final evaluation: {_trials(planned)}: {runs} kept from an earlier start"


def describe_skipped(guessing: Sequence[PlannedRun], options: SearchOptions) -> str:
    """Describe in one line which final runs are skipped because their trials have not learned.

    Args:
        guessing: Planned runs of these trials, at least one.
        options: Options of the search.
    """
    command = (
        "give --final-seeds {} each time the search is resumed"
        if options.resumable
        else "start another search with --final-seeds {}"
    )
    return (
        f"final evaluation without {_trials(guessing)}: no better than guessing; to train and test"
        f" them nevertheless, {command.format(options.final_seeds)}"
    )


def stamped_lines(console: Console, watch: Stopwatch) -> Say:
    """Return a function that prints a line with the time since the start of the command.

    Args:
        console: Console to print to.
        watch: Stopwatch started with the command.
    """

    def say(line: str) -> None:
        print_line(console, watch.stamped(line), highlight=False)

    return say


def _trials(planned: Sequence[PlannedRun]) -> str:
    """Return the architectures of runs with the numbers of their trials."""
    trials: dict[str, dict[str, None]] = {}  # an ordered set of numbers by architecture
    for run in planned:
        trials.setdefault(run.model, {})[str(run.trial)] = None
    return ", ".join(
        f"{model} (trial{'s' * (len(numbers) > 1)} {', '.join(numbers)})"
        for model, numbers in trials.items()
    )


class FinalProgress:
    """Context manager that shows the progress of the final runs while they are trained.

    Args:
        console: Console to print to.
        epochs: Number of epochs of each run.
        watch: Stopwatch started with the command.
    """

    def __init__(self, console: Console, epochs: int, watch: Stopwatch) -> None:
        self._console = console
        self._epochs = epochs
        self._watch = watch
        self._bars = Progress(
            TextColumn("final run {task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Show the progress bars."""
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the progress bars."""
        self._bars.stop()

    def show(self, name: str, epoch: int) -> None:
        """Update the number of epochs that a run has trained."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=self._epochs)
        if epoch == self._done.get(name, 0):
            return
        self._done[name] = epoch
        self._bars.update(self._tasks[name], completed=epoch, refresh=True)
        if not self._console.is_interactive:
            self.say(f"final run {name} epoch {epoch}/{self._epochs}")

    def end(self, name: str, result: str) -> None:
        """Show the result of a run that has ended.

        Args:
            name: Name of the run.
            result: Test accuracy, or reason of the failure, as text.
        """
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        self.say(f"final run {name}: {result}")

    def say(self, line: str) -> None:
        """Print a line above the progress bars, with the time since the start of the command."""
        print_line(self._console, self._watch.stamped(line))
