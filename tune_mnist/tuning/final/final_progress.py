"""Progress of the final evaluation: bars in an interactive terminal, lines elsewhere."""

from types import TracebackType
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

from tune_mnist.durations import Stopwatch


class FinalProgress:
    """Context manager that shows the progress of the final runs.

    Args:
        console: Console to print to.
        epochs: Number of epochs of each run.
        watch: Time since the start of the command.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the progress bars."""
        self._bars.stop()

    def show(self, name: str, epoch: int) -> None:
        """Show the number of epochs that a run has trained.

        Args:
            name: Name of the run.
            epoch: Number of trained epochs.
        """
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
        self._console.print(self._watch.stamped(line), markup=False, soft_wrap=True)
