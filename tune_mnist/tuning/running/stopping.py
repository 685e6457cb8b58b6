"""The end of a search by a signal, or because Ray has lost its head."""

import shlex
from pathlib import Path
from typing import Any, NoReturn

from ray.tune import Callback
from rich.console import Console

from tune_mnist.errors import USER_ERROR, end_at_once, error_line
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import Resources


class StopInOrder(Callback):
    """Lets the first signal of any kind end Tune as Ctrl-C does: Tune knows SIGINT alone."""

    def setup(self, **info: Any) -> None:
        """Take the signals again from Tune, which has just installed its handler."""
        stop_signals.pass_on()


class Stopping:
    """Ends a search from a thread of its own; all that a resumed search needs is on disk.

    Args:
        resources: Where Ray runs.
        directory: Folder of the search.
        console: Console that the search draws on.
    """

    def __init__(self, resources: Resources, directory: Path, console: Console) -> None:
        self._resources = resources
        self._directory = directory
        self._console = console

    def tidy_up(self) -> str:
        """End what is left of a Ray that was started here; return how to resume the search."""
        if self._resources.local is not None:
            self._resources.local.kill()
        self._console.show_cursor()
        return (
            f"to resume: python -m tune_mnist.search --resume {shlex.quote(str(self._directory))}"
        )

    def end_without_head(self, complaint: str) -> NoReturn:
        """End the process because Ray has lost its head.

        Args:
            complaint: What is wrong with the head.
        """
        next_step = self.tidy_up()
        if stop_signals.received:  # systemd and SLURM signal Ray's processes as well
            end_at_once(f"interrupted; {next_step}", stop_signals.status)
        if self._resources.local is None:
            next_step = f"start one again; {next_step} --address ITS_ADDRESS"
        end_at_once(
            error_line(f"{complaint}: {next_step}; all that has ended is kept"), USER_ERROR
        )
